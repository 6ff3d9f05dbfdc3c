"""scheduler-service's errors and their stable codes."""

from chassis.errors import AppError


class JobNotFound(AppError):
    status, code, message = 404, "JOB_NOT_FOUND", "There is no job of this name."


class RunLost(AppError):
    """Never answered: its code stands in a run whose worker, or whose message, never came back."""

    status, code, message = 500, "RUN_LOST", "Nobody finished this run."


class RunBusy(Exception):
    """Another worker holds this run just now."""


class MailServerAway(Exception):
    """The mail server can't be reached or used, which is no fault of any one mail."""


class ServiceAway(Exception):
    """A service that some mails need is away: these wait, and no others.

    ``asked``: whether it was this mail that found out, and not one before it.
    """

    def __init__(self, service: str, *, asked: bool) -> None:
        super().__init__(service)
        self.service = service
        self.asked = asked


class MailUnwanted(Exception):
    """A mail that has no use, or none any more; the message says why."""


class MailRefused(Exception):
    """The mail server does not take this mail."""
