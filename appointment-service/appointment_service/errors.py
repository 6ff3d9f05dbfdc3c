"""appointment-service's errors and their stable codes."""

from types import MappingProxyType

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


class IdempotencyKeyReused(AppError):
    status, code, message = 422, "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key came with another request before."


class IdempotencyInProgress(AppError):
    status, code, message = 409, "IDEMPOTENCY_IN_PROGRESS", "The first request with this Idempotency-Key still runs."
    headers = MappingProxyType({"Retry-After": "1"})


class AlreadyWaiting(AppError):
    status, code, message = 409, "ALREADY_WAITING", "You are on this doctor's waitlist already."


class NoOffer(AppError):
    status, code, message = 409, "NO_OFFER", "Nothing is offered to you here at present."


class OfferExpired(AppError):
    status, code, message = 410, "OFFER_EXPIRED", "This offer has passed on to the next in line."


class FeedNotFound(AppError):
    status, code, message = 404, "FEED_NOT_FOUND", "There is no calendar at this address."
