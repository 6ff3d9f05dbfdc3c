"""What the gateway asks: plain JSON, under a path that no route of the gateway leads to."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from auth_service.calls import Revocations, Session
from auth_service.service import Service


def internal(service: Service) -> Blueprint:
    blueprint = Blueprint("internal", __name__, url_prefix="/internal")

    @blueprint.get("/revocations")
    def revocations() -> ResponseReturnValue:
        """{"sessions": {id: until, seconds since 1970}}: all that ended and whose access tokens may still be out."""
        return jsonify(Revocations(sessions=service.revocations.in_force()).model_dump())

    @blueprint.get("/sessions/<session_id>")
    def session(session_id: str) -> ResponseReturnValue:
        """{"live": bool}: whether a session goes on, and its account is open."""
        return jsonify(Session(live=service.sessions.is_live(session_id)).model_dump())

    return blueprint
