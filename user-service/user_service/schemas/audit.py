"""Shapes of the audit."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from chassis.schemas import Instant, PageQuery, Shape
from user_service.domain import Role

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,128}$")]
Action = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z-]+\.[a-z-]+$")]


class AuditQuery(PageQuery):
    actor_id: Id | None = Field(None, description="Who did it.")
    subject_id: Id | None = Field(None, description="To whom, or to whose things.")
    action: Action | None = Field(None, description="What was done, such as patient.read.")
    since: Instant | None = Field(None, alias="from", description="Then or later.")
    until: Instant | None = Field(None, alias="to", description="Before then.")


class Entry(Shape):
    id: str
    at: datetime
    action: str
    refused_for: str | None = Field(description="The error code if it was refused; null if it was done.")
    actor_id: str | None
    actor_role: Role | None
    subject_id: str | None
    object_id: str | None
    address: str | None = Field(description="The address that a sign-in came from.")
    request_id: str | None = Field(None, description="The `X-Request-Id` of the request that caused it.")
    source: str = Field(description="The service that recorded it.")


class Entries(Shape):
    items: list[Entry]
    next_cursor: str | None


class Actor(Shape):
    id: str
    role: Role | None
    name: str | None = Field(description="Null where the person was erased.")


class Access(Shape):
    id: str
    at: datetime
    action: str
    refused_for: str | None = Field(description="The error code if it was refused; null if it was done.")
    actor: Actor | None = Field(description="Null where nobody was signed in, or the suite did it by itself.")
    object_id: str | None


class AccessLog(Shape):
    items: list[Access]
    next_cursor: str | None
