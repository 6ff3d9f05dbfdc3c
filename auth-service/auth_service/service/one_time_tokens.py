"""One-time tokens: asked for, told to who mails them, presented, used."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession

from auth_service import events
from auth_service.one_time_tokens import LIFETIMES, OneTimeToken, Purpose
from auth_service.store.one_time_tokens import OneTimeTokens as Store
from chassis.clock import instant_text, new_id
from chassis.errors import NotFound
from chassis.export import told
from chassis.mongo import Document


class OneTimeTokens:
    """Tokens that a mail carries. ``keys`` are JWT_REFRESH_SECRET and what it was before."""

    def __init__(self, store: Store, *, keys: Sequence[bytes], clock: Callable[[], datetime]) -> None:
        self._store = store
        self._keys = keys
        self._now = clock

    def request(self, purpose: Purpose, user_id: str | None, session: ClientSession) -> None:
        """Ask for a mail with a new token, in the caller's transaction; nobody's is a decoy that asks for none."""
        now = self._now()
        request_id = new_id()
        document: Document = {
            "_id": request_id,
            "kind": purpose,
            "userId": user_id,
            "tokenHash": OneTimeToken.of(request_id, purpose, self._keys[0]).hashed(self._keys[0]),
            "createdAt": now,
            "expiresAt": now + LIFETIMES[purpose],
        }
        announced = [events.one_time_token_requested(document)] if user_id else []
        self._store.add({**document, "outbox": announced}, session)

    def told(self, request_id: str) -> dict[str, Any]:
        """The token of a request, for who sends the mail. Raises NotFound if it was used, voided, or expired."""
        document = self._store.find(request_id, self._now())
        if document is None or document.get("usedAt"):
            raise NotFound
        for key in self._keys:
            token = OneTimeToken.of(request_id, Purpose(document["kind"]), key)
            if token.matches(document["tokenHash"], [key]):
                return {"token": str(token), "expiresAt": instant_text(document["expiresAt"])}
        raise NotFound

    def presented(self, purpose: Purpose, text: str) -> Document | None:
        """What a genuine token, used or not, was made for: None for any other, and once it has expired."""
        token = OneTimeToken.parse(text)
        document = self._store.find(token.request_id, self._now()) if token else None
        if not (token and document and document["kind"] == purpose):
            return None
        return document if token.matches(document["tokenHash"], self._keys) else None

    def use(self, document: Document, session: ClientSession | None = None) -> bool:
        """Spend it; False if it was spent before."""
        return self._store.use(document["_id"], self._now(), session)

    def void(self, user_id: str, purpose: Purpose, session: ClientSession) -> None:
        """Spend all of the user's for that purpose."""
        self._store.void(user_id, purpose, self._now(), session)

    def held(self, user_id: str) -> list[Document]:
        """What mails the user was sent, JSON-ready and without hashes."""
        return [told(item, "tokenHash", "outbox") for item in self._store.of(user_id)]

    def erase(self, user_id: str, session: ClientSession) -> None:
        self._store.erase(user_id, session)
