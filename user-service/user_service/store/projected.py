"""Users and relations as what others announced: read, and let go of, for comparison with them."""

from collections.abc import Sequence

from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document
from chassis.projections import held_ids
from user_service.store import relations, users, verifications


class Projected:
    """The relations are nothing but copies; of a user only that there is one, and that the address is verified."""

    def __init__(self, database: Database) -> None:
        self._users = database[users.COLLECTION]
        self._verifications = database[verifications.COLLECTION]
        self._relations = database[relations.COLLECTION]

    def known(self, user_ids: Sequence[str], session: ClientSession | None = None) -> list[str]:
        """Those of them who are here."""
        return [user["_id"] for user in self._users.find({"_id": {"$in": list(user_ids)}}, {"_id": 1}, session=session)]

    def verified(self, user_ids: Sequence[str], session: ClientSession | None = None) -> list[str]:
        """Those of them whose address is verified, here or before they are."""
        these: Document = {"_id": {"$in": list(user_ids)}}
        here = self._users.find({**these, "emailVerified": True}, {"_id": 1}, session=session)
        early = self._verifications.find(these, {"_id": 1}, session=session)
        return [found["_id"] for found in (*here, *early)]

    def verified_ids(self, after: str) -> list[str]:
        return held_ids(self._users, after, {"emailVerified": True})

    def relations(self, ids: Sequence[str], session: ClientSession | None = None) -> list[Document]:
        return list(self._relations.find({"_id": {"$in": list(ids)}}, session=session))

    def relation_ids(self, after: str) -> list[str]:
        return held_ids(self._relations, after, {})

    def forget_relation(self, appointment_id: str, session: ClientSession) -> None:
        self._relations.delete_one({"_id": appointment_id}, session=session)
