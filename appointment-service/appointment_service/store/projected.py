"""The calendars' collection as what others announced: read, and let go of, for comparison with them."""

from collections.abc import Sequence

from pymongo.client_session import ClientSession

from appointment_service.store.indexes import CALENDARS
from chassis.mongo import Database, Document
from chassis.projections import held_ids

_HEARD: Document = {"$gt": 0}
"""Of a version: 0 stands for nothing heard."""


class ProjectedStore:
    """Three sources write to one document: each is looked at, and let go of, by itself."""

    def __init__(self, database: Database) -> None:
        self._calendars = database[CALENDARS]

    def documents(self, user_ids: Sequence[str], session: ClientSession | None = None) -> list[Document]:
        return list(self._calendars.find({"_id": {"$in": list(user_ids)}}, {"outbox": 0}, session=session))

    def doctor_ids(self, after: str) -> list[str]:
        """Of whom doctor-service told."""
        return held_ids(self._calendars, after, {"version": _HEARD})

    def account_ids(self, after: str) -> list[str]:
        """Of whom user-service told."""
        return held_ids(self._calendars, after, {"accountVersion": _HEARD})

    def verified_ids(self, after: str) -> list[str]:
        return held_ids(self._calendars, after, {"emailVerified": True})

    def forget_calendar(self, doctor_id: str, facts: Sequence[str], session: ClientSession) -> None:
        """As if doctor-service had told nothing; the document stays, for the next free slot has its version there."""
        self._forget(doctor_id, {"version": 0}, facts, session)

    def forget_account(self, user_id: str, session: ClientSession) -> None:
        """As if user-service had told nothing: open."""
        self._forget(user_id, {"accountActive": True, "accountVersion": 0}, (), session)

    def forget_verified(self, user_id: str, session: ClientSession) -> None:
        self._forget(user_id, {}, ("emailVerified",), session)

    def _forget(self, key: str, unheard: Document, gone: Sequence[str], session: ClientSession) -> None:
        changes = {"$set": unheard, "$unset": dict.fromkeys(gone, "")}
        update = {operator: fields for operator, fields in changes.items() if fields}
        self._calendars.update_one({"_id": key}, update, session=session)
