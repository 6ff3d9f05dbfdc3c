"""The doctors' collection as what others announced of them: read, and let go of, for comparison with them."""

from collections.abc import Sequence
from typing import Any

from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document
from chassis.projections import held_ids
from doctor_service.store.doctors import DOCTORS

_FACTS = ("name", "nameVersion", "active", "statusVersion", "rating", "nextAvailable")


class ProjectedStore:
    """Four sources write to one document: each is looked at, and let go of, by itself."""

    def __init__(self, database: Database) -> None:
        self._doctors = database[DOCTORS]

    def documents(self, doctor_ids: Sequence[str], session: ClientSession | None = None) -> list[Document]:
        return list(self._doctors.find({"_id": {"$in": list(doctor_ids)}}, _FACTS, session=session))

    def rated_ids(self, after: str) -> list[str]:
        return held_ids(self._doctors, after, {"rating.version": {"$gt": 0}})

    def open_ids(self, after: str) -> list[str]:
        """Of whose next free slot, or that there is none, was told."""
        return held_ids(self._doctors, after, {"nextAvailable.version": {"$gt": 0}})

    def forget(self, doctor_id: str, field: str, unheard: Any, session: ClientSession) -> None:
        """Set one fact to what stands for nothing heard."""
        self._doctors.update_one({"_id": doctor_id}, {"$set": {field: unheard}}, session=session)
