"""Shapes of the audit."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from chassis.schemas import Id, Instant, Page, PageQuery, Shape
from user_service.domain import Role

SentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,128}$")]
Action = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z-]+\.[a-z-]+$")]

At = Annotated[datetime, Field(description="When it was done or refused, in UTC.")]
Done = Annotated[str, Field(description="What was done, such as `patient.read`.")]
RefusedFor = Annotated[str, Field(description="The error code if it was refused; null if it was done.")]
ObjectId = Annotated[str, Field(description="Of the one thing it was done to, such as an appointment; else null.")]


class AuditQuery(PageQuery):
    actor_id: SentId | None = Field(None, description="Who did it.")
    subject_id: SentId | None = Field(None, description="To whom, or to whose things.")
    action: Action | None = Field(None, description="What was done, such as patient.read.")
    since: Instant | None = Field(None, alias="from", description="Then or later.")
    until: Instant | None = Field(None, alias="to", description="Before then.")


class Entry(Shape):
    id: Id
    at: At
    action: Done
    refused_for: RefusedFor | None
    actor_id: str | None = Field(description="The user who did it; null where nobody was signed in.")
    actor_role: Role | None = Field(description="What that user was let in as.")
    subject_id: str | None = Field(description="The user to whom, or to whose things, it was done.")
    object_id: ObjectId | None
    address: str | None = Field(description="The address that a sign-in came from, IPv4 or IPv6.")
    request_id: str | None = Field(None, description="The `X-Request-Id` of the request that caused it.")
    source: str = Field(description="The service that recorded it.")


class Entries(Page[Entry]):
    """A page of the audit."""


class Actor(Shape):
    """Who did it."""

    id: Id
    role: Role | None = Field(description="What that user was let in as.")
    name: str | None = Field(description="Null where the person was erased.")


class Access(Shape):
    id: Id
    at: At
    action: Done
    refused_for: RefusedFor | None
    actor: Actor | None = Field(description="Null where nobody was signed in, or the suite did it by itself.")
    object_id: ObjectId | None


class AccessLog(Page[Access]):
    """A page of what others did."""
