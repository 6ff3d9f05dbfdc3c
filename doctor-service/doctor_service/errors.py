"""doctor-service's errors and their stable codes."""

from chassis.errors import AppError


class DoctorProfileMissing(AppError):
    status, code, message = 404, "DOCTOR_PROFILE_MISSING", "Fill in your profile first."


class DoctorNotFound(AppError):
    status, code, message = 404, "DOCTOR_NOT_FOUND", "There is no such doctor."


class AvailabilityMissing(AppError):
    status, code, message = 404, "AVAILABILITY_MISSING", "No hours have been published yet."


class OverrideNotFound(AppError):
    status, code, message = 404, "OVERRIDE_NOT_FOUND", "That date has no override."


class TooManyOverrides(AppError):
    status, code, message = 409, "TOO_MANY_OVERRIDES", "There are 366 overrides already: remove some first."


class InvalidTransition(AppError):
    status, code, message = 409, "INVALID_TRANSITION", "The profile's present standing does not allow this."
