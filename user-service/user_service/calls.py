"""What user-service answers when it is called, and what it asks of others."""

from datetime import datetime
from typing import Any

from chassis.rpc import Question
from chassis.schemas import Shape
from user_service.domain import Role, Status
from user_service.events import HOLDERS, UserRegistered


class Recovered(Shape):
    version: int
    status: Status


class Purged(Shape):
    purged: int


class Reannounced(Shape):
    reannounced: int


class Contact(Shape):
    email: str
    name: str
    locale: str | None
    timezone: str | None
    status: Status


class User(Shape):
    """Of ``snapshot_users``."""

    user_id: str
    name: str
    role: Role
    locale: str | None
    timezone: str | None
    version: int
    status: Status
    scheduled_deletion_at: datetime | None


class Closures(Shape):
    """Of ``/internal/closures``: when each account was closed, in seconds since 1970."""

    users: dict[str, float]


class Account(Shape):
    """Of ``/internal/accounts/{id}``."""

    active: bool


INTERNAL = {"/internal/closures": Closures, "/internal/accounts/{id}": Account}
"""What the gateway may ask by HTTP."""

REGISTRATION = Question("auth-service", "registration", {"user_id": str}, UserRegistered, seconds=2.0)

PATIENCE_SECONDS = 10.0
"""For each service's part of an export, all of which are asked at once: within the gateway's own patience."""

EXPORTS = {
    service: Question(service, "export_user", {"user_id": str}, dict[str, Any], seconds=PATIENCE_SECONDS)
    for service in HOLDERS
}
"""By service: all that it holds about a person."""
