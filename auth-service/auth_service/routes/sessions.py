"""Refreshing, listing and ending sessions."""

from typing import Any

from auth_service import errors
from auth_service.schemas import RefreshBody, SessionId, Sessions, Tokens
from auth_service.service import Service
from chassis.api import PUBLIC, SELF, Api, identity
from chassis.errors import NotFound
from chassis.mongo import Document

_SHOWN = ("deviceName", "userAgent", "ip", "createdAt", "lastUsedAt", "expiresAt")


def routes(service: Service) -> Api:
    api = Api("sessions")

    @api.post(
        "/auth/refresh",
        access=PUBLIC,
        returns=Tokens,
        errors=[errors.RefreshTokenInvalid, errors.RefreshTokenReused],
        message="Tokens renewed.",
    )
    def refresh(body: RefreshBody) -> Document:
        """Exchange a refresh token for new tokens; it can be used once."""
        return service.sessions.refresh(body.refresh_token)

    @api.post("/auth/logout", access=SELF, message="Signed out.")
    def log_out() -> None:
        """End this session."""
        service.sessions.log_out(identity())

    @api.post("/auth/logout-all", access=SELF, message="Signed out everywhere.")
    def log_out_everywhere() -> None:
        """End every session of the user."""
        service.sessions.log_out_everywhere(identity())

    @api.get("/auth/sessions", access=SELF, returns=Sessions)
    def sessions() -> dict[str, Any]:
        """The user's live sessions, one per device."""
        who = identity()
        found = service.sessions.live(who.user_id)
        return {"items": [_session(item, who.session_id) for item in found], "nextCursor": None}

    @api.delete("/auth/sessions/<id>", access=SELF, errors=[NotFound], message="Session ended.")
    def end_session(id: SessionId) -> None:
        """End one session."""
        service.sessions.end(identity(), id)

    return api


def _session(document: Document, current: str) -> Document:
    return {
        "id": document["_id"],
        **{key: document[key] for key in _SHOWN},
        "current": document["_id"] == current,
    }
