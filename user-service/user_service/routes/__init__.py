"""user-service's routes: parse, call, render."""

from collections.abc import Sequence

from flask import Blueprint

from user_service.routes import admin, audit, patients, users
from user_service.service import Service


def routes(service: Service) -> Sequence[Blueprint]:
    """Every API of the service."""
    return [room.routes(service) for room in (users, patients, audit, admin)]
