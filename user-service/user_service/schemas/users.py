"""Shapes of accounts: profiles, deletion, what admins see."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic_core import Url

from chassis.schemas import Body, Line, PageQuery, Shape, Text, Zone
from user_service.domain import DeletionReason, Role, Status


def _address_of_a_picture(text: str) -> str:
    try:
        url = Url(text)
    except ValueError:
        raise ValueError("must be an https address") from None
    if not url.host or url.username or url.password:
        raise ValueError("must be an https address, without a login in it")
    return text


Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""An international number as E.164 writes it: ``+`` and 7-15 digits."""

Picture = Annotated[
    str, StringConstraints(max_length=500, pattern=r"^https://[!-~]+$"), AfterValidator(_address_of_a_picture)
]
"""An https address, at most 500 characters."""

Locale = Annotated[str, StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
"""A language tag (BCP 47) such as ``fr-CH``."""


def _without_defaults(schema: dict[str, Any]) -> None:
    # an absent field stays as it is: a default in the document would say otherwise
    for field in schema["properties"].values():
        field.pop("default", None)


class ProfileBody(Body):
    """What is absent stays as it is; null clears a field."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: Line = Field("", description="As it shall be shown.")
    phone: Phone | None = Field(None, description="E.164, such as +41445550123.")
    avatar_url: Picture | None = Field(None, description="https only.")
    locale: Locale | None = Field(None, description="BCP 47, such as fr-CH.")
    timezone: Zone | None = Field(None, description="IANA name, such as Europe/Zurich.")

    def given(self) -> dict[str, Any]:
        """The fields that the client sent, by the names they are stored under."""
        return self.model_dump(exclude_unset=True, by_alias=True)


class DeletionBody(Body):
    reason: DeletionReason
    comment: Text | None = None


class UsersQuery(PageQuery):
    status: Status | None = None
    role: Role | None = None
    q: Line | None = Field(None, description="Beginning of a name or an e-mail address, without regard to case.")


class User(Shape):
    id: str
    email: str
    email_verified: bool
    name: str
    phone: str | None
    avatar_url: str | None
    locale: str | None
    timezone: str | None
    role: Role
    status: Status
    created_at: datetime
    updated_at: datetime
    version: int


class SuspensionBody(Body):
    reason: Text = Field(description="For other admins; the user is not told.")


class ErasuresQuery(PageQuery):
    open: bool | None = Field(None, description="Only those that await receipts, or only those that are complete.")


class Deletion(Shape):
    reason: DeletionReason
    comment: str | None
    requested_at: datetime


class Suspension(Shape):
    reason: str
    at: datetime
    by: str = Field(description="The admin who suspended.")


class UserForAdmin(User):
    deletion: Deletion | None
    scheduled_deletion_at: datetime | None
    # a process of before these fields may still run beside this one, and make users without them
    suspension: Suspension | None = None
    closed_at: datetime | None = Field(None, description="When the account stopped being ACTIVE.")


class Users(Shape):
    items: list[User]
    next_cursor: str | None


class Deactivated(Shape):
    status: Status
    scheduled_deletion_at: datetime


class Export(Shape):
    """Everything that the suite holds about a user; what the parts hold is each service's own to say."""

    exported_at: datetime
    user_id: str
    account: dict[str, Any]
    patient_record: dict[str, Any] | None
    care_relations: list[dict[str, Any]] = Field(description="Who has, or had, an appointment with whom.")
    access_log: list[dict[str, Any]] = Field(description="Who did what to the user's account and things.")
    services: dict[str, dict[str, Any]] = Field(description="By service: all that it holds.")


class Erasure(Shape):
    id: str
    started_at: datetime
    awaiting: list[str] = Field(description="Services whose receipt is still out; `ledger`: not yet noted there.")
    receipts: dict[str, datetime] = Field(description="By service: when it erased.")
    completed_at: datetime | None
    announcements: int = Field(description="How often the services were told.")
    announced_at: datetime = Field(description="When they were told last.")
    late: bool = Field(description="Whether receipts are out for longer than they should be.")


class Erasures(Shape):
    items: list[Erasure]
    next_cursor: str | None
