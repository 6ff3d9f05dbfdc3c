"""What the gateway asks beside the events that it hears; no route of the gateway leads here."""

from flask import Blueprint, Response, jsonify

from user_service.calls import Account, Closures
from user_service.service import Service


def internal(service: Service) -> Blueprint:
    api = Blueprint("internal", __name__, url_prefix="/internal")

    @api.get("/closures")
    def closures() -> Response:
        """The accounts that were closed within the last hour: ``{"users": {id: seconds since 1970}}``."""
        return jsonify(Closures(users=service.accounts.closures()).model_dump())

    @api.get("/accounts/<user_id>")
    def account(user_id: str) -> Response:
        """Whether an account may act: ``{"active": bool}``."""
        return jsonify(Account(active=service.accounts.is_active(user_id)).model_dump())

    return api
