"""Typed configuration, read once from the environment; a process does not start with a bad one."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chassis.keys import Key, private_key, public_keys, read_pem, secret_key

EX_CONFIG = 78
"""Exit status of what is configured wrongly (sysexits.h)."""

IN_A_WORKER = 4
"""The same from a worker of gunicorn (its APP_LOAD_ERROR): at any other it would start worker after worker."""

CONTRACTS_IN_CHECKOUT = Path(__file__).resolve().parents[2] / "contracts"


def _strong(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if len(text) < 32:
        raise ValueError("must have at least 32 characters")
    if len(set(text)) < 10 or re.search(r"change.?me|secret|password|example", text, re.IGNORECASE):
        raise ValueError("is guessable: make a random one")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_strong)]
"""A secret of 32 characters or more that is not a placeholder. There are no default secrets."""


def from_text(read: Callable[[str], Any]) -> BeforeValidator:
    """Reads a variable's text by a function of our own; a default, which is no text, stays as it is."""
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


Secrets = Annotated[tuple[Secret, ...], NoDecode, from_text(lambda text: text.split(","))]
"""Secrets, separated by commas."""

PublicUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[^/?#@\s\"<>]+(/[^?#\s\"<>]*[^/?#\s\"<>])?$", max_length=500)
]
"""What links that leave the suite begin with, without a slash at the end."""

PublicKeys = Annotated[tuple[Key, ...], NoDecode, from_text(lambda text: public_keys(read_pem(text)))]
PrivateKey = Annotated[Key, NoDecode, from_text(lambda text: private_key(read_pem(text)))]


class ConfigError(Exception):
    """The environment does not make a valid configuration; the message names each variable."""


class BaseConfig(BaseSettings):
    """What every process reads. A field's variable is its name in capitals; empty means not set."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    app_env: Literal["development", "production"] = Field("development", description="What the suite runs as.")
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = Field(
        "INFO", description="Least level logged."
    )
    jwt_secret: Secret | None = Field(
        None, description="Key that access tokens are signed with (HS256), unless there is a key pair."
    )
    jwt_previous_secrets: Secrets = Field(
        (), description="Values that JWT_SECRET had: they verify until what they signed has expired."
    )
    jwt_public_keys: PublicKeys = Field(
        (), description="Public keys of access tokens (EdDSA, RS256): PEM, several in a row, or a file's path."
    )
    heartbeat_file: Path | None = Field(None, description="File a process without HTTP touches while it is well.")
    metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(
        None, description="Port on which a process without HTTP serves its metrics; not at all without it."
    )
    bind_host: str = Field("127.0.0.1", description="Address that a process listens on.")
    otel_exporter_otlp_endpoint: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")] | None = Field(
        None, description="Base URL of an OpenTelemetry collector (OTLP over HTTP); nothing is traced without it."
    )
    contracts_dir: Path = Field(CONTRACTS_IN_CHECKOUT, description="Where the contracts folder lies.")

    @field_validator("jwt_public_keys")
    @classmethod
    def _some_key(cls, keys: tuple[Key, ...], info: ValidationInfo) -> tuple[Key, ...]:
        # a secret that is there and wrong is not among the data: it is complained of by itself
        if not keys and info.data.get("jwt_secret", keys) is None:
            raise ValueError("must be set, unless JWT_SECRET is")
        return keys

    def verification_keys(self) -> tuple[Key, ...]:
        """The keys that access tokens are accepted from, the present secret first."""
        present = (self.jwt_secret,) if self.jwt_secret else ()
        secrets = (*present, *self.jwt_previous_secrets)
        return (*(secret_key(item.get_secret_value()) for item in secrets), *self.jwt_public_keys)

    @classmethod
    def read(cls) -> Self:
        """The configuration of this process. Raises ConfigError naming every variable that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            problems = [
                f"{'_'.join(map(str, item['loc'])).upper()}: {item['msg'].removeprefix('Value error, ')}"
                for item in error.errors(include_url=False, include_input=False)
            ]
            # `from None`: the validation error would repeat the values, secrets among them
            raise ConfigError("; ".join(problems)) from None

    @classmethod
    def read_or_exit(cls, status: int = EX_CONFIG) -> Self:
        """Like ``read``, for the start of a process: one line on stderr, and the exit status."""
        try:
            return cls.read()
        except ConfigError as error:
            print(f"configuration: {error}", file=sys.stderr, flush=True)
            raise SystemExit(status) from None


class DataConfig(BaseConfig):
    """What a service with a database and events reads besides."""

    # both may hold a password, so neither is shown where a configuration is printed
    mongodb_uri: str = Field(
        description="Replica set of this service's database.", pattern=r"^mongodb(\+srv)?://", repr=False
    )
    amqp_url: str = Field(description="RabbitMQ broker.", pattern=r"^amqps?://", repr=False)
