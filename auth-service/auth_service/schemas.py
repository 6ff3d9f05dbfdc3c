"""Shapes of auth-service's requests and answers."""

from datetime import datetime
from typing import Annotated, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field

from auth_service.domain import Status
from chassis.schemas import Body, Line, Shape


def _address(text: str) -> str:
    try:
        # reserved domains (RFC 2606) are let through: a mail to one goes nowhere, which harms nobody
        address = validate_email(text, check_deliverability=False, globally_deliverable=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from None
    if "." not in address.domain:
        raise ValueError("is not an e-mail address: the part after the @ needs a dot")
    return address.normalized.lower()


Email = Annotated[str, Field(max_length=254, description="Compared without case."), AfterValidator(_address)]
NewPassword = Annotated[str, Field(min_length=12, max_length=128, description="12-128 characters, any characters.")]
Password = Annotated[str, Field(min_length=1, max_length=128)]
OneTimeToken = Annotated[str, Field(min_length=1, max_length=256, description="As it was mailed.")]


class SignupBody(Body):
    email: Email
    password: NewPassword
    name: Line = Field(description="As it shall be shown.")
    role: Literal["patient", "doctor"] = "patient"
    device_name: Line | None = None


class LoginBody(Body):
    email: Email
    password: Password
    device_name: Line | None = None


class RecoverBody(Body):
    email: Email
    password: Password


class RefreshBody(Body):
    refresh_token: str = Field(min_length=1, max_length=512)


class ChangePasswordBody(Body):
    current_password: Password
    new_password: NewPassword


class ForgotPasswordBody(Body):
    email: Email


class ResetPasswordBody(Body):
    token: OneTimeToken
    new_password: NewPassword


class VerifyEmailBody(Body):
    token: OneTimeToken


class Verified(Shape):
    email_verified: Literal[True]


class TokenUser(Shape):
    id: str
    email: str
    name: str
    role: Literal["patient", "doctor", "admin"]
    status: Status


class Tokens(Shape):
    user: TokenUser
    session_id: str
    access_token: str
    access_token_expires_at: datetime
    refresh_token: str
    refresh_token_expires_at: datetime


class Session(Shape):
    id: str
    device_name: str | None
    user_agent: str | None
    ip: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


class Sessions(Shape):
    items: list[Session]
    next_cursor: str | None
