"""user-service's errors and their stable codes."""

from chassis.errors import AppError, TokenInvalid


class AccountDeleted(AppError):
    status, code, message = 403, "ACCOUNT_DELETED", "This account was deleted; it can still be recovered."


class AccountSuspended(AppError):
    status, code, message = 403, "ACCOUNT_SUSPENDED", "This account is suspended."


class NotRecoverable(AppError):
    status, code, message = 410, "NOT_RECOVERABLE", "The time to recover this account has passed."


class NotDeleted(AppError):
    status, code, message = 409, "NOT_DELETED", "This account is not deleted: sign in."


class AccountNotActive(AppError):
    status, code, message = 409, "ACCOUNT_NOT_ACTIVE", "Only an active account can be suspended."


class NotSuspended(AppError):
    status, code, message = 409, "NOT_SUSPENDED", "This account is not suspended."


class CannotSuspendYourself(AppError):
    status, code, message = 409, "CANNOT_SUSPEND_YOURSELF", "Nobody can suspend their own account."


CLOSED = (AccountDeleted, AccountSuspended, TokenInvalid)
"""What a caller is answered whose own account is not open, or was purged, while the token is still out."""
