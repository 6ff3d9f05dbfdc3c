"""The `.env` file: read it, make it with random secrets on the first start."""

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from devkit import say
from devkit.layout import SERVICES

#: Each service's password for its database, in containers; the gateway has none.
_DATABASE_PASSWORDS = tuple(f"{service.name.upper()}_MONGODB_PASSWORD" for service in SERVICES[1:])
#: What only docker-compose.yml reads.
FOR_CONTAINERS = frozenset(
    {
        *("MONGODB_KEY", "MONGODB_ROOT_PASSWORD", "MONGODB_OPERATOR_PASSWORD", *_DATABASE_PASSWORDS),
        *(f"{service.folder_name.upper().replace('-', '_')}_VERSION" for service in SERVICES),
    }
)

_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")


def parse(text: str) -> dict[str, str]:
    """Read `NAME=value` lines; quotes around a value are dropped, ` #` starts a comment outside of them."""
    values = {}
    for row in text.splitlines():
        match = _LINE.match(row)
        if match and not row.lstrip().startswith("#"):
            name, value = match.groups()
            if value[:1] in {'"', "'"} and (end := value.find(value[0], 1)) > 0:
                value = value[1:end]
            else:
                value = re.split(r"(?:^|\s)#", value, maxsplit=1)[0].rstrip()
            values[name] = value
    return values


def documented_names(example: Path) -> set[str]:
    """Every variable of `.env.example`, the commented ones too: what may be set from outside."""
    return set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", example.read_text(), re.MULTILINE))


def fresh() -> dict[str, str]:
    """What every suite needs and nobody should have to invent."""
    return {
        "JWT_SECRET": secrets.token_urlsafe(48),
        "JWT_REFRESH_SECRET": secrets.token_urlsafe(48),
        "RABBITMQ_USER": "suite",
        "RABBITMQ_PASSWORD": secrets.token_urlsafe(24),
        "ADMIN_EMAIL": "admin@clinic.example",
        "ADMIN_PASSWORD": secrets.token_urlsafe(18),
        # in hexadecimal, for a key file may hold Base64's alphabet only, which that of URLs is not
        "MONGODB_KEY": secrets.token_hex(64),
        "MONGODB_ROOT_PASSWORD": secrets.token_urlsafe(24),
        "MONGODB_OPERATOR_PASSWORD": secrets.token_urlsafe(24),
        **{name: secrets.token_urlsafe(24) for name in _DATABASE_PASSWORDS},
    }


def ensure(path: Path) -> dict[str, str]:
    """Return what `path` says, after adding to it whatever a start needs and it lacks."""
    text = path.read_text() if path.exists() else "# Made on the first start; .env.example explains every variable.\n"
    present = parse(text)
    missing = {name: value for name, value in fresh().items() if not present.get(name)}
    if present.get("JWT_PUBLIC_KEYS"):
        # a key pair instead of the shared secret, which must not come back by itself
        missing.pop("JWT_SECRET", None)
    if not missing:
        return present
    heading = text if not path.exists() else "" if text.endswith("\n") or not text else "\n"
    # Nobody but the owner may read it, from the first byte on.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as out:
        out.write(heading + "".join(f"{name}={value}\n" for name, value in missing.items()))
    say.line(f"  ok .env: added {', '.join(missing)}")
    return {**present, **missing}


def chosen(path_values: Mapping[str, str], environ: Mapping[str, str], names: set[str]) -> dict[str, str]:
    """The file's values, overridden by the process environment for the variables the suite knows."""
    known = names | set(path_values)
    return {**path_values, **{name: environ[name] for name in known if name in environ}}
