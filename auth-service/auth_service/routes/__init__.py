"""auth-service's routes: parse, call, render."""

from collections.abc import Sequence

from flask import Blueprint

from auth_service.routes import accounts, passwords, sessions, verification
from auth_service.service import Service


def routes(service: Service) -> Sequence[Blueprint]:
    """Every API of the service."""
    return [accounts.routes(service), sessions.routes(service), passwords.routes(service), verification.routes(service)]
