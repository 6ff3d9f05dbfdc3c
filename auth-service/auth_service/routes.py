"""auth-service's routes: parse, call, render."""

from typing import Any

from flask import request

from auth_service import errors
from auth_service.schemas import LoginBody, RecoverBody, RefreshBody, Sessions, SignupBody, Tokens
from auth_service.service import AuthService, Device
from chassis.api import PUBLIC, SELF, Api, identity
from chassis.errors import NotFound
from chassis.mongo import Document


def routes(service: AuthService) -> Api:
    api = Api("auth")

    @api.post(
        "/auth/signup",
        access=PUBLIC,
        status=201,
        returns=Tokens,
        errors=[errors.EmailTaken],
        message="Your account is ready.",
    )
    def sign_up(body: SignupBody) -> Document:
        """Make an account and sign in."""
        return service.sign_up(
            email=body.email,
            password=body.password,
            name=body.name,
            role=body.role,
            device=_device(body.device_name),
        )

    @api.post(
        "/auth/login",
        access=PUBLIC,
        returns=Tokens,
        errors=[errors.InvalidCredentials, errors.AccountDeleted, errors.AccountSuspended],
        message="Signed in.",
    )
    def log_in(body: LoginBody) -> Document:
        """Open a session on this device."""
        return service.log_in(body.email, body.password, _device(body.device_name))

    @api.post(
        "/auth/recover",
        access=PUBLIC,
        returns=Tokens,
        errors=[errors.InvalidCredentials, errors.NotDeleted, errors.NotRecoverable],
        message="Your account is back.",
    )
    def recover(body: RecoverBody) -> Document:
        """Bring a deleted account back within its window, and sign in."""
        return service.recover(body.email, body.password, _device(None))

    @api.post(
        "/auth/refresh",
        access=PUBLIC,
        returns=Tokens,
        errors=[errors.RefreshTokenInvalid, errors.RefreshTokenReused],
        message="Tokens renewed.",
    )
    def refresh(body: RefreshBody) -> Document:
        """Exchange a refresh token for new tokens; it can be used once."""
        return service.refresh(body.refresh_token)

    @api.post("/auth/logout", access=SELF, message="Signed out.")
    def log_out() -> None:
        """End this session."""
        service.log_out(identity().user_id, identity().session_id)

    @api.post("/auth/logout-all", access=SELF, message="Signed out everywhere.")
    def log_out_everywhere() -> None:
        """End every session of the user."""
        service.log_out_everywhere(identity().user_id)

    @api.get("/auth/sessions", access=SELF, returns=Sessions)
    def sessions() -> dict[str, Any]:
        """The user's live sessions, one per device."""
        who = identity()
        return {"items": [_session(item, who.session_id) for item in service.sessions(who.user_id)], "nextCursor": None}

    @api.delete("/auth/sessions/<id>", access=SELF, errors=[NotFound], message="Session ended.")
    def end_session(id: str) -> None:
        """End one session."""
        service.end_session(identity().user_id, id)

    return api


def _device(name: str | None) -> Device:
    agent = request.headers.get("User-Agent")
    return Device(name=name, user_agent=agent[:300] if agent else None, ip=request.remote_addr)


def _session(document: Document, current: str) -> Document:
    shown = ("deviceName", "userAgent", "ip", "createdAt", "lastUsedAt", "expiresAt")
    return {
        "id": document["_id"],
        **{key: document[key] for key in shown},
        "current": document["_id"] == current,
    }
