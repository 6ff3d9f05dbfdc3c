"""What whoever reads or changes an appointment is answered."""

from appointment_service import errors
from appointment_service.routes.rendering import appointment
from chassis.api import Reply, etag
from chassis.errors import AppError, Conflict, NotFound, VersionMismatch
from chassis.mongo import Document

CHANGE_ERRORS: list[type[AppError]] = [NotFound, errors.InvalidTransition, VersionMismatch, Conflict]


def reply(document: Document) -> Reply:
    return Reply(appointment(document), headers=etag(document["version"]))
