"""What people do, for every test."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from flask.testing import FlaskClient
from pymongo.client_session import ClientSession
from werkzeug.test import TestResponse

from auth_service import events
from auth_service.bootstrap import Built
from chassis.clock import new_id, now
from chassis.identity import Identity
from chassis.tokens import TokenVerifier

PASSWORD = "plum-orchard-kettle-9"


@dataclass
class People:
    """What people do by HTTP, and what user-service announces of them."""

    client: FlaskClient
    built: Built

    def sign_up(self) -> dict[str, Any]:
        """The tokens of a new account."""
        body = {"email": f"{new_id()}@clinic.example", "password": PASSWORD, "name": "Ann Lee"}
        tokens: dict[str, Any] = self.client.post("/api/v1/auth/signup", json=body).json["data"]
        return tokens

    def try_log_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        return self.client.post("/api/v1/auth/login", json={"email": email, "password": password})

    def log_in(self, account: dict[str, Any]) -> dict[str, Any]:
        tokens: dict[str, Any] = self.try_log_in(account["user"]["email"]).json["data"]
        return tokens

    def recover(self, account: dict[str, Any]) -> TestResponse:
        body = {"email": account["user"]["email"], "password": PASSWORD}
        return self.client.post("/api/v1/auth/recover", json=body)

    def refresh(self, tokens: dict[str, Any]) -> TestResponse:
        return self.client.post("/api/v1/auth/refresh", json={"refreshToken": tokens["refreshToken"]})

    def log_out(self, tokens: dict[str, Any], path: str = "logout") -> TestResponse:
        return self.client.post(f"/api/v1/auth/{path}", headers=self.bearer(tokens))

    def change_password(self, tokens: dict[str, Any]) -> None:
        body = {"currentPassword": PASSWORD, "newPassword": "kettle-orchard-plum-9"}
        answer = self.client.post("/api/v1/auth/password", json=body, headers=self.bearer(tokens))
        assert answer.status_code == 200, answer.json

    def bearer(self, tokens: dict[str, Any]) -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens['accessToken']}"}

    def claims(self, tokens: dict[str, Any]) -> dict[str, Any]:
        return jwt.decode(tokens["accessToken"], options={"verify_signature": False})

    def identity(self, tokens: dict[str, Any]) -> Identity:
        return TokenVerifier(self.built.config.verification_keys()).verify(tokens["accessToken"])

    def revocations(self, account: dict[str, Any]) -> list[dict[str, Any]]:
        """In the order in which they were made."""
        return list(self.built.database["revocations"].find({"userId": account["user"]["id"]}).sort("_id", 1))

    def lives(self, session_id: str) -> bool:
        live: bool = self.client.get(f"/internal/sessions/{session_id}").json["live"]
        return live

    def suspend(self, account: dict[str, Any], version: int = 2) -> None:
        event = events.UserSuspended(user_id=account["user"]["id"], version=version)
        self._apply(self.built.service.accounts.user_suspended, event)

    def reinstate(self, account: dict[str, Any], version: int = 3) -> None:
        event = events.UserReinstated(user_id=account["user"]["id"], version=version)
        self._apply(self.built.service.accounts.user_reinstated, event)

    def deactivate(self, account: dict[str, Any], version: int = 2) -> None:
        until = now() + timedelta(days=30)
        event = events.UserDeactivated(user_id=account["user"]["id"], scheduled_deletion_at=until, version=version)
        self._apply(self.built.service.accounts.user_deactivated, event)

    def news_of_recovery(self, account: dict[str, Any], version: int = 3) -> None:
        event = events.UserRecovered(user_id=account["user"]["id"], version=version)
        self._apply(self.built.service.accounts.user_recovered, event)

    def purge(self, account: dict[str, Any], version: int = 4) -> None:
        event = events.UserDeleted(user_id=account["user"]["id"], version=version)
        self._apply(self.built.service.accounts.user_deleted, event)

    def _apply(self, handler: Any, event: Any) -> None:
        def work(session: ClientSession) -> None:
            handler(event, session)

        self.built.database.transact(work)
