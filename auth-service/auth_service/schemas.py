"""Shapes of auth-service's requests and answers."""

from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field

from auth_service.domain import Status
from chassis.schemas import Body, CreatedAt, Id, Line, Page, Shape


def _address(text: str) -> str:
    try:
        # reserved domains (RFC 2606) are let through: a mail to one goes nowhere, which harms nobody
        address = validate_email(text, check_deliverability=False, globally_deliverable=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from None
    if "." not in address.domain:
        raise ValueError("is not an e-mail address: the part after the @ needs a dot")
    return address.normalized.lower()


Email = Annotated[
    str,
    Field(max_length=254, description="Compared without case.", json_schema_extra={"format": "email"}),
    AfterValidator(_address),
]
NewPassword = Annotated[
    str,
    Field(
        min_length=12,
        max_length=128,
        description="12-128 characters, any characters; what is common or easily guessed is refused.",
        json_schema_extra={"format": "password"},
    ),
]
Password = Annotated[
    str,
    Field(
        min_length=1,
        max_length=128,
        description="The one that signs in at present.",
        json_schema_extra={"format": "password"},
    ),
]
OneTimeToken = Annotated[str, Field(min_length=1, max_length=256, description="As it was mailed; good for one use.")]
DeviceName = Annotated[Line, Field(description="What the user calls this device, for the list of sessions.")]
SessionId = Annotated[Id, Field(description="Of a session in `GET /auth/sessions`.")]
Expiry = Annotated[datetime, Field(description="Until when it is good, in UTC.")]

_EMAIL = "lena.roth@clinic.example"
_PASSWORD = "violet-harbour-42-lantern"  # noqa: S105  for the document, and nobody's


class SignupBody(Body):
    email: Email
    password: NewPassword
    name: Line = Field(description="As it shall be shown.")
    role: Literal["patient", "doctor"] = Field("patient", description="Which side the account is for.")
    device_name: DeviceName | None = None

    example = MappingProxyType(
        {"email": _EMAIL, "password": _PASSWORD, "name": "Lena Roth", "role": "patient", "deviceName": "Phone"}
    )


class LoginBody(Body):
    email: Email
    password: Password
    device_name: DeviceName | None = None

    example = MappingProxyType({"email": _EMAIL, "password": _PASSWORD, "deviceName": "Phone"})


class RecoverBody(Body):
    email: Email
    password: Password

    example = MappingProxyType({"email": _EMAIL, "password": _PASSWORD})


class RefreshBody(Body):
    refresh_token: str = Field(min_length=1, max_length=512, description="The latest of this session; good for once.")

    example = MappingProxyType({"refreshToken": "0f4b9c2e8d1a6357.7.kX2vQ9sT4mZ8yB1nR6wE3pL5"})


class ChangePasswordBody(Body):
    current_password: Password
    new_password: NewPassword

    example = MappingProxyType({"currentPassword": _PASSWORD, "newPassword": "copper-meadow-17-whistle"})


class ForgotPasswordBody(Body):
    email: Email

    example = MappingProxyType({"email": _EMAIL})


class ResetPasswordBody(Body):
    token: OneTimeToken
    new_password: NewPassword

    example = MappingProxyType({"token": "kX2vQ9sT4mZ8yB1nR6wE3pL5", "newPassword": "copper-meadow-17-whistle"})


class VerifyEmailBody(Body):
    token: OneTimeToken

    example = MappingProxyType({"token": "kX2vQ9sT4mZ8yB1nR6wE3pL5"})


class Verified(Shape):
    email_verified: Literal[True] = Field(description="That the address is shown to be the user's.")


class TokenUser(Shape):
    """Who signed in."""

    id: Id
    email: str = Field(description="The address to sign in with.", json_schema_extra={"format": "email"})
    name: str = Field(description="As it is shown.")
    role: Literal["patient", "doctor", "admin"] = Field(description="What the user may call.")
    status: Status


class Tokens(Shape):
    """What a session calls with."""

    user: TokenUser
    session_id: SessionId
    access_token: str = Field(description="A JWT, to be sent as `Authorization: Bearer`.")
    access_token_expires_at: Expiry
    refresh_token: str = Field(description="To be exchanged for new tokens at `POST /auth/refresh`; good for once.")
    refresh_token_expires_at: Expiry


class Session(Shape):
    id: SessionId
    device_name: DeviceName | None
    user_agent: str | None = Field(description="The `User-Agent` that signed in, its first 300 characters.")
    ip: str | None = Field(description="The address that the session was opened from, IPv4 or IPv6.")
    created_at: CreatedAt
    last_used_at: datetime = Field(description="When its tokens were last renewed, in UTC.")
    expires_at: Expiry
    current: bool = Field(description="Whether it is the session that asks.")


class Sessions(Page[Session]):
    """One page: all of them."""
