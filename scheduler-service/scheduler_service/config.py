"""What scheduler-service reads from its environment."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints
from pydantic_settings import NoDecode

from chassis.config import DataConfig, PublicUrl, from_text

_MAIL_URL = re.compile(r"smtps?://([^/?#@\s]+@)?[^/?#@:\s]+(:[0-9]{1,5})?/?(\?starttls=(required|off))?")


def _mail_url(url: SecretStr) -> SecretStr:
    if not _MAIL_URL.fullmatch(url.get_secret_value()):
        raise ValueError("must be smtp[s]://[user:password@]host[:port][?starttls=required|off]")
    return url


_LONGEST_BEFORE = timedelta(days=30) // timedelta(minutes=1)


def _minutes(text: str) -> tuple[int, ...]:
    if text.strip().lower() == "none":
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"[0-9]{1,5}", part) and 1 <= int(part) <= _LONGEST_BEFORE for part in parts):
        raise ValueError(f"must be whole minutes from 1 to {_LONGEST_BEFORE}, separated by commas, or none")
    minutes = tuple(int(part) for part in parts)
    if len(set(minutes)) != len(minutes):
        raise ValueError("must not name one time twice")
    return minutes


Minutes = Annotated[tuple[int, ...], NoDecode, from_text(_minutes)]
MailUrl = Annotated[SecretStr, AfterValidator(_mail_url)]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s<>]+@[^@\s<>]+$", max_length=254)]


class Config(DataConfig):
    purge_every_seconds: int = Field(300, ge=1, le=86_400, description="How often deleted accounts are purged.")
    erasure_chase_every_seconds: int = Field(
        60, ge=1, le=86_400, description="How often erasures whose receipts are late are announced again."
    )
    advance_every_seconds: int = Field(60, ge=1, le=86_400, description="How often appointments are moved on.")
    expire_offers_every_seconds: int = Field(
        30, ge=1, le=86_400, description="How often offers that nobody accepted are passed on."
    )
    send_reminders_every_seconds: int = Field(30, ge=1, le=86_400, description="How often due reminders are written.")
    reminders_before_minutes: Minutes = Field(
        (1_440, 60), description="When patients are reminded: minutes before the start, separated by commas; or none."
    )
    deliver_mail_every_seconds: int = Field(5, ge=1, le=86_400, description="How often due mail is sent.")
    smtp_url: MailUrl | None = Field(
        None, description="smtp[s]://[user:password@]host[:port][?starttls=required|off]; mail waits while it is unset."
    )
    public_url: PublicUrl | None = Field(
        None, description="Base of the links in mails, without a slash at its end; unset, they show the token alone."
    )
    mail_from: Address = Field("no-reply@clinic.example", description="Sender of every mail.")

    def every_seconds(self) -> dict[str, int]:
        """{job: seconds from one scheduled run to the next}."""
        return {
            "purge-accounts": self.purge_every_seconds,
            "chase-erasures": self.erasure_chase_every_seconds,
            "advance-appointments": self.advance_every_seconds,
            "expire-offers": self.expire_offers_every_seconds,
            "send-reminders": self.send_reminders_every_seconds,
            "deliver-mail": self.deliver_mail_every_seconds,
        }
