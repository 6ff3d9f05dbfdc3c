"""What user-service publishes and what it acts on."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from chassis.clock import instant_text
from chassis.events import Event, cloud_event
from chassis.mongo import Document
from chassis.schemas import BRANCHES, EventData
from user_service.domain import Role

SOURCE = "user-service"
HOLDERS = ("auth-service", "doctor-service", "appointment-service", "review-service", "scheduler-service")
"""The services that hold something about people: an erasure needs a receipt of each, an export the answer of each."""

_event = partial(cloud_event, SOURCE)


def user_updated(user: Document) -> Event:
    return _event("user-updated", user["_id"], _profile(user))


def user_as_told(user: Document) -> dict[str, Any]:
    """What is told of a user and the account as they are now, to who keeps a copy."""
    until = user["scheduledDeletionAt"]
    return {**_profile(user), "status": user["status"], "scheduledDeletionAt": instant_text(until) if until else None}


def user_deactivated(user: Document) -> Event:
    until = instant_text(user["scheduledDeletionAt"])
    return _event("user-deactivated", user["_id"], {**_whose(user), "scheduledDeletionAt": until})


def user_recovered(user: Document) -> Event:
    return _event("user-recovered", user["_id"], _whose(user))


def user_suspended(user: Document) -> Event:
    return _event("user-suspended", user["_id"], _whose(user))


def user_reinstated(user: Document) -> Event:
    return _event("user-reinstated", user["_id"], _whose(user))


def user_deleted(erasure: Document) -> Event:
    return _event("user-deleted", erasure["_id"], _whose(erasure))


def outliving(unpublished: Iterable[Event]) -> list[Event]:
    """Of a purged user's unpublished events, those that still have to go out.

    A profile's change has not: it would tell anew what is being erased.
    """
    return [event for event in unpublished if event["type"] != "user-updated"]


def _profile(user: Document) -> dict[str, Any]:
    shown = ("name", "role", "locale", "timezone", "version")
    return {"userId": user["_id"], **{key: user[key] for key in shown}}


def _whose(account: Document) -> dict[str, Any]:
    return {"userId": account["_id"], "role": account["role"], "version": account["version"]}


class UserRegistered(EventData):
    user_id: str
    email: str
    name: str
    role: Role
    registered_at: datetime


class EmailVerified(EventData):
    user_id: str


class AppointmentChanged(EventData):
    """``appointment-requested``, ``-booked`` and ``-cancelled`` alike."""

    appointment_id: str
    doctor_id: str
    patient_id: str
    version: int


class AppointmentAsTold(AppointmentChanged):
    """In a snapshot."""

    status: Annotated[str, BRANCHES]


class AccountAsTold(EventData):
    """Whether an address is verified, in a snapshot."""

    user_id: str
    email_verified: bool


class UserDataErased(EventData):
    user_id: str
    erased_at: datetime


class AuditRecorded(EventData):
    """An entry of the audit; what is null in it is told as null."""

    entry_id: str
    at: datetime
    action: str
    refused_for: str | None
    actor_id: str | None
    actor_role: Role | None
    subject_id: str | None
    object_id: str | None
    address: str | None
