"""The credentials as what user-service announced of them: read, and let go of, for comparison with it."""

from collections.abc import Sequence
from typing import Literal

from pymongo.client_session import ClientSession

from auth_service.store.credentials import COLLECTION
from chassis.mongo import Database, Document

_FACTS = ("name", "nameVersion", "status", "statusVersion", "recoverableUntil")


class Projected:
    """Name and status, each with the version of its own."""

    def __init__(self, database: Database) -> None:
        self._credentials = database[COLLECTION]

    def documents(self, user_ids: Sequence[str], session: ClientSession | None = None) -> list[Document]:
        return list(self._credentials.find({"_id": {"$in": list(user_ids)}}, _FACTS, session=session))

    def forget(self, user_id: str, version: Literal["nameVersion", "statusVersion"], session: ClientSession) -> None:
        """As if user-service had told nothing of it; what is held stays until it does."""
        self._credentials.update_one({"_id": user_id}, {"$set": {version: 0}}, session=session)
