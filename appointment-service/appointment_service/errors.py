"""appointment-service's errors and their stable codes."""

from chassis.errors import AppError


class EmailNotVerified(AppError):
    status, code, message = 403, "EMAIL_NOT_VERIFIED", "Verify your e-mail address first: see the mail we sent you."


class DoctorNotFound(AppError):
    status, code, message = 404, "DOCTOR_NOT_FOUND", "There is no such doctor."


class DoctorNotAccepting(AppError):
    status, code, message = 409, "DOCTOR_NOT_ACCEPTING", "This doctor takes no new appointments at present."


class SlotUnavailable(AppError):
    status, code, message = 409, "SLOT_UNAVAILABLE", "The doctor offers no appointment at this time."


class SlotTaken(AppError):
    status, code, message = 409, "SLOT_TAKEN", "This time has just been taken."


class PatientBusy(AppError):
    status, code, message = 409, "PATIENT_BUSY", "You have another appointment at this time."


class TooLateToCancel(AppError):
    status, code, message = 409, "TOO_LATE_TO_CANCEL", "It is too late to cancel: call the doctor."


class InvalidTransition(AppError):
    status, code, message = 409, "INVALID_TRANSITION", "The appointment's status does not allow this."
