"""review-service's errors and their stable codes."""

from chassis.errors import AppError


class NotReviewable(AppError):
    status, code, message = 409, "NOT_REVIEWABLE", "An appointment can be reviewed once it has taken place."


class AlreadyReviewed(AppError):
    status, code, message = 409, "ALREADY_REVIEWED", "This appointment has been reviewed."


class DoctorNotFound(AppError):
    status, code, message = 404, "DOCTOR_NOT_FOUND", "There is no such doctor."
