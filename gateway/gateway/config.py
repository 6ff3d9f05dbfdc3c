"""What the gateway reads from its environment."""

import ipaddress
import re
from typing import Annotated

from pydantic import Field
from pydantic_settings import NoDecode

from chassis.config import BaseConfig, from_text
from gateway.client_address import Network
from gateway.cors import ANY

ServiceUrl = Annotated[str, Field(pattern=r"^http://[A-Za-z0-9._\[\]:-]+/?$")]
"""``http://host[:port]``: the services are reached on a private network, by name."""

PerMinute = Annotated[int, Field(ge=1, le=1_000_000)]

LONGEST_SECONDS = 60

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")


def _origins(text: str) -> frozenset[str]:
    origins = frozenset(part.strip() for part in text.split(","))
    if wrong := sorted(origin for origin in origins if origin != ANY and not _ORIGIN.fullmatch(origin)):
        raise ValueError(f"{', '.join(wrong)} is no origin such as https://clinic.example, without a path")
    return origins


Origins = Annotated[frozenset[str], NoDecode, from_text(_origins)]
"""Origins as a browser sends them, separated by commas, or ``*`` for all."""


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(","))


Networks = Annotated[tuple[Network, ...], NoDecode, from_text(_networks)]
"""Addresses or networks such as ``10.0.0.0/8``, separated by commas."""


_TIMEOUT = re.compile(r"([A-Z]+ /[^\s=]*)=(\d{1,2}(?:\.\d+)?)")


def _timeouts(text: str) -> dict[str, float]:
    timeouts = {}
    for part in text.split(","):
        match = _TIMEOUT.fullmatch(part.strip())
        if not match or not 0 < float(match[2]) <= LONGEST_SECONDS:
            raise ValueError(f"{part.strip()!r} is not like GET /users/me/export=18, of {LONGEST_SECONDS} s at most")
        timeouts[match[1]] = float(match[2])
    return timeouts


Timeouts = Annotated[dict[str, float], NoDecode, from_text(_timeouts)]
"""{method and path as in the API's document: seconds}, written ``GET /users/me/export=18``, separated by commas."""


class Config(BaseConfig):
    auth_service_url: ServiceUrl = Field(description="Where auth-service listens.")
    user_service_url: ServiceUrl = Field(description="Where user-service listens.")
    doctor_service_url: ServiceUrl = Field(description="Where doctor-service listens.")
    appointment_service_url: ServiceUrl = Field(description="Where appointment-service listens.")
    review_service_url: ServiceUrl = Field(description="Where review-service listens.")
    scheduler_service_url: ServiceUrl = Field(description="Where scheduler-service listens.")
    # it holds a password, so it is not shown where a configuration is printed
    amqp_url: str = Field(description="RabbitMQ broker, to hear of revocations.", pattern=r"^amqps?://", repr=False)
    upstream_timeout_seconds: float = Field(
        15, gt=0, le=LONGEST_SECONDS, description="Longest wait for a service's whole answer."
    )
    route_timeouts: Timeouts = Field({}, description="Routes with a longest wait of their own.")

    trusted_proxies: Networks = Field((), description="Balancers whose X-Forwarded-For is believed.")
    rate_limits: bool = Field(True, description="Whether clients that ask too often are refused.")
    rate_limit_user: PerMinute = Field(3000, description="Requests per minute of who is signed in.")
    rate_limit_heavy: PerMinute = Field(60, description="Of them, to routes that cost much, such as exports.")
    rate_limit_address: PerMinute = Field(6000, description="Requests per minute of one address without a token.")
    rate_limit_sign_in: PerMinute = Field(600, description="Sign-ups, sign-ins and the like per minute of an address.")
    cors_origins: Origins = Field(frozenset(), description="Origins of web front ends that may read answers.")

    def services(self) -> dict[str, str]:
        """{service: its URL}."""
        return {
            "auth-service": self.auth_service_url,
            "user-service": self.user_service_url,
            "doctor-service": self.doctor_service_url,
            "appointment-service": self.appointment_service_url,
            "review-service": self.review_service_url,
            "scheduler-service": self.scheduler_service_url,
        }
