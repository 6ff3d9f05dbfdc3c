"""user-service's routes: parse, call, render."""

from collections.abc import Sequence

from flask import Blueprint

from user_service.routes import admin, users
from user_service.service import Service


def routes(service: Service) -> Sequence[Blueprint]:
    """Every API of the service."""
    return [users.routes(service), admin.routes(service)]
