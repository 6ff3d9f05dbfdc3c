"""Shapes of accounts: profiles, deletion, what admins see."""

from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic_core import Url

from chassis.schemas import Body, CreatedAt, Id, Line, Page, PageQuery, Shape, Text, UpdatedAt, Version, Zone
from user_service.domain import DeletionReason, Role, Status


def _address_of_a_picture(text: str) -> str:
    try:
        url = Url(text)
    except ValueError:
        raise ValueError("must be an https address") from None
    if not url.host or url.username or url.password:
        raise ValueError("must be an https address, without a login in it")
    return text


Phone = Annotated[
    str,
    StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$"),
    Field(description="E.164: `+` and 7-15 digits, such as +41445550123.", json_schema_extra={"format": "tel"}),
]

Picture = Annotated[
    str,
    StringConstraints(max_length=500, pattern=r"^https://[!-~]+$"),
    Field(description="Where a picture of the user is; https alone.", json_schema_extra={"format": "uri"}),
    AfterValidator(_address_of_a_picture),
]
Locale = Annotated[
    str,
    StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"),
    Field(description="BCP 47, such as fr-CH."),
]
UserId = Annotated[Id, Field(description="The user's.")]
DeletionAt = Annotated[
    datetime, Field(description="When a deleted account is purged, in UTC; it can be recovered until then.")
]


def _without_defaults(schema: dict[str, Any]) -> None:
    # an absent field stays as it is: a default in the document would say otherwise
    for field in schema["properties"].values():
        field.pop("default", None)


class ProfileBody(Body):
    """What is absent stays as it is; null clears a field."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: Line = Field("", description="As it shall be shown.")
    phone: Phone | None = None
    avatar_url: Picture | None = None
    locale: Locale | None = None
    timezone: Zone | None = None

    example = MappingProxyType({"name": "Lena Roth", "phone": "+41445550123", "timezone": "Europe/Zurich"})

    def given(self) -> dict[str, Any]:
        """The fields that the client sent, by the names they are stored under."""
        return self.model_dump(exclude_unset=True, by_alias=True)


class DeletionBody(Body):
    reason: DeletionReason
    comment: Text | None = Field(None, description="For the admins.")

    example = MappingProxyType({"reason": "SWITCHING", "comment": "I have moved to another town."})


class UsersQuery(PageQuery):
    status: Status | None = Field(None, description="Only accounts that stand so.")
    role: Role | None = Field(None, description="Only users of this one.")
    q: Line | None = Field(None, description="Beginning of a name or an e-mail address, without regard to case.")


class User(Shape):
    id: UserId
    email: str = Field(description="The address to sign in with.", json_schema_extra={"format": "email"})
    email_verified: bool = Field(description="Whether that address was shown to be the user's.")
    name: str = Field(description="As it is shown.")
    phone: str | None = Field(description="E.164, such as +41445550123.")
    avatar_url: str | None = Field(description="Where a picture of the user is; https alone.")
    locale: str | None = Field(description="BCP 47, such as fr-CH.")
    timezone: str | None = Field(description="IANA name, such as Europe/Zurich.")
    role: Role
    status: Status
    created_at: CreatedAt
    updated_at: UpdatedAt
    version: Version


class SuspensionBody(Body):
    reason: Text = Field(description="For other admins; the user is not told.")

    example = MappingProxyType({"reason": "Books under several names and does not come."})


class ErasuresQuery(PageQuery):
    open: bool | None = Field(None, description="Only those that await receipts, or only those that are complete.")


class Deletion(Shape):
    """How the user deleted the account; null while it is not deleted."""

    reason: DeletionReason
    comment: str | None = Field(description="What the user wrote besides.")
    requested_at: datetime = Field(description="When the user asked for it, in UTC.")


class Suspension(Shape):
    """How an admin suspended the account; null while it is not suspended."""

    reason: str = Field(description="For other admins; the user is not told.")
    at: datetime = Field(description="When it was suspended, in UTC.")
    by: str = Field(description="The admin who suspended.")


class UserForAdmin(User):
    deletion: Deletion | None
    scheduled_deletion_at: DeletionAt | None
    # a process of before these fields may still run beside this one, and make users without them
    suspension: Suspension | None = None
    closed_at: datetime | None = Field(None, description="When the account stopped being ACTIVE, in UTC.")


class Users(Page[User]):
    """A page of users."""


class Deactivated(Shape):
    status: Status
    scheduled_deletion_at: DeletionAt


class Export(Shape):
    """Everything that the suite holds about a user; what the parts hold is each service's own to say."""

    exported_at: datetime = Field(description="When it was gathered, in UTC.")
    user_id: UserId
    account: dict[str, Any] = Field(description="The profile, with all that is kept of it.")
    patient_record: dict[str, Any] | None = Field(description="Null where none was ever written.")
    care_relations: list[dict[str, Any]] = Field(description="Who has, or had, an appointment with whom.")
    access_log: list[dict[str, Any]] = Field(description="Who did what to the user's account and things.")
    services: dict[str, dict[str, Any]] = Field(description="By service: all that it holds.")


class Erasure(Shape):
    id: UserId
    started_at: datetime = Field(description="When the account was purged, in UTC.")
    awaiting: list[str] = Field(description="Services whose receipt is still out; `ledger`: not yet noted there.")
    receipts: dict[str, datetime] = Field(description="By service: when it erased, in UTC.")
    completed_at: datetime | None = Field(description="When the last receipt came, in UTC; null until then.")
    announcements: int = Field(description="How often the services were told.")
    announced_at: datetime = Field(description="When they were told last, in UTC.")
    late: bool = Field(description="Whether receipts are out for longer than they should be.")


class Erasures(Page[Erasure]):
    """A page of erasures."""
