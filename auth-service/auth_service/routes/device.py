"""The device that a request comes from."""

from flask import request

from auth_service.service.sessions import Device


def device(name: str | None = None) -> Device:
    """What the request tells of its device, and the name that its user gave it."""
    agent = request.headers.get("User-Agent")
    return Device(name=name, user_agent=agent[:300] if agent else None, ip=request.remote_addr)
