"""Who follows whom."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document
from doctor_service.store.reading import Order, in_order

FOLLOWS = "follows"

LATEST: Order = [("at", DESCENDING), ("_id", ASCENDING)]
OF_PATIENT = "of_patient"

FOLLOW_INDEXES = [
    IndexModel([("patientId", ASCENDING), *LATEST], name=OF_PATIENT),
    IndexModel([("doctorId", ASCENDING)], name="of_doctor"),
]


class FollowStore:
    """The only place that talks to the follows' collection."""

    def __init__(self, database: Database) -> None:
        self._follows = database[FOLLOWS]

    def add(self, patient_id: str, doctor_id: str, at: datetime, session: ClientSession) -> None:
        """Raises DuplicateKeyError if the patient follows the doctor."""
        self._follows.insert_one(follow(patient_id, doctor_id, at), session=session)

    def remove(self, patient_id: str, doctor_id: str, session: ClientSession) -> bool:
        """Whether there was a follow to remove."""
        removed = self._follows.delete_one({"_id": _follow_id(patient_id, doctor_id)}, session=session)
        return removed.deleted_count == 1

    def of_patient(self, patient_id: str, after: Sequence[Any] | None, limit: int) -> list[Document]:
        """The patient's follows, latest first."""
        return in_order(self._follows, {"patientId": patient_id}, LATEST, after, limit, index=OF_PATIENT)

    def all_of_patient(self, patient_id: str) -> list[Document]:
        """{doctorId, at} of every follow of the patient, latest first."""
        shown = {"_id": 0, "doctorId": 1, "at": 1}
        return list(self._follows.find({"patientId": patient_id}, shown).sort(LATEST))

    def erase(self, user_id: str, session: ClientSession) -> list[str]:
        """Delete the user's follows in both directions; the doctors that lost this follower."""
        followed = [follow["doctorId"] for follow in self._follows.find({"patientId": user_id}, session=session)]
        self._follows.delete_many({"patientId": user_id}, session=session)
        self._follows.delete_many({"doctorId": user_id}, session=session)
        return followed


def follow(patient_id: str, doctor_id: str, at: datetime) -> Document:
    return {"_id": _follow_id(patient_id, doctor_id), "patientId": patient_id, "doctorId": doctor_id, "at": at}


def _follow_id(patient_id: str, doctor_id: str) -> str:
    return f"{patient_id}:{doctor_id}"
