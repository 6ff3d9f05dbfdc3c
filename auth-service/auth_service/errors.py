"""auth-service's errors and their stable codes."""

from chassis.errors import AppError


class EmailTaken(AppError):
    status, code, message = 409, "EMAIL_TAKEN", "There is an account with this e-mail address."


class InvalidCredentials(AppError):
    status, code, message = 401, "INVALID_CREDENTIALS", "The e-mail address or the password is wrong."


class AccountDeleted(AppError):
    status, code, message = 403, "ACCOUNT_DELETED", "This account was deleted; it can still be recovered."


class AccountSuspended(AppError):
    status, code, message = 403, "ACCOUNT_SUSPENDED", "This account is suspended."


class RefreshTokenInvalid(AppError):
    status, code, message = 401, "REFRESH_TOKEN_INVALID", "Sign in again."


class RefreshTokenReused(AppError):
    status, code, message = 401, "REFRESH_TOKEN_REUSED", "This session was ended for safety: sign in again."


class NotRecoverable(AppError):
    """Raised by user-service's answer; listed here for the document."""

    status, code, message = 410, "NOT_RECOVERABLE", "The time to recover this account has passed."


class NotDeleted(AppError):
    """Raised by user-service's answer; listed here for the document."""

    status, code, message = 409, "NOT_DELETED", "This account is not deleted: sign in."


class TooManyAttempts(AppError):
    status, code, message = 429, "TOO_MANY_ATTEMPTS", "Too many tries: wait a little."

    def __init__(self, seconds: int) -> None:
        super().__init__(headers={"Retry-After": str(seconds)})


class ResetTokenInvalid(AppError):
    status, code, message = 401, "RESET_TOKEN_INVALID", "This link was used or has expired: ask for a new one."


class VerificationTokenInvalid(AppError):
    status, code, message = 401, "VERIFICATION_TOKEN_INVALID", "This link has expired: ask for a new one."
