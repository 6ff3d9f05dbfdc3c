"""What auth-service publishes and what it acts on."""

from datetime import datetime
from functools import partial

from chassis import audit
from chassis.clock import instant_text
from chassis.events import Event, cloud_event
from chassis.mongo import Document
from chassis.schemas import EventData

SOURCE = "auth-service"
_event = partial(cloud_event, SOURCE)


def user_registered(credential: Document) -> Event:
    return _event(
        "user-registered",
        credential["_id"],
        {
            "userId": credential["_id"],
            "email": credential["email"],
            "name": credential["name"],
            "role": credential["role"],
            "registeredAt": instant_text(credential["createdAt"]),
        },
    )


def refused_session(credential: Document | None, address: str | None, code: str) -> Event:
    """The audit's entry of a sign-in that was refused; whose it would have been, if that is known."""
    return audit.entry(
        SOURCE,
        "session.refused",
        actor_id=None,
        actor_role=None,
        subject_id=credential["_id"] if credential else None,
        address=address,
        refused_for=code,
    )


class UserUpdated(EventData):
    user_id: str
    name: str
    version: int


class UserDeactivated(EventData):
    user_id: str
    scheduled_deletion_at: datetime
    version: int


class UserRecovered(EventData):
    user_id: str
    version: int


class UserDeleted(EventData):
    user_id: str
    version: int
