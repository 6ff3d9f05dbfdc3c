"""relations: {_id: appointmentId, doctorId, patientId, version, cancelled}: who sees or saw whom."""

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document

COLLECTION = "relations"
INDEXES = [
    IndexModel([("doctorId", ASCENDING), ("patientId", ASCENDING)], name="of_doctor"),
    IndexModel([("patientId", ASCENDING)], name="of_patient"),
]


class Relations:
    """A projection of the appointments' events: one document each."""

    def __init__(self, database: Database) -> None:
        self._relations = database[COLLECTION]

    def keep(self, relation: Document, session: ClientSession) -> None:
        """Keep what an appointment says of its people, unless a newer version of it is here."""
        key = {"_id": relation["_id"]}
        self._relations.update_one(
            {**key, "version": {"$lt": relation["version"]}}, {"$set": relation}, session=session
        )
        self._relations.update_one(key, {"$setOnInsert": relation}, upsert=True, session=session)

    def is_related(self, doctor_id: str, patient_id: str) -> bool:
        """Whether they have or had an appointment with one another that was not cancelled."""
        wanted = {"doctorId": doctor_id, "patientId": patient_id, "cancelled": False}
        return self._relations.find_one(wanted, {"_id": 1}) is not None

    def of(self, user_id: str) -> list[Document]:
        """Every relation of a person, as doctor or patient, oldest appointment first."""
        return list(self._relations.find(_theirs(user_id)).sort("_id", ASCENDING))

    def forget(self, user_id: str, session: ClientSession) -> None:
        """Remove every relation of a person, as doctor or patient."""
        self._relations.delete_many(_theirs(user_id), session=session)


def _theirs(user_id: str) -> Document:
    return {"$or": [{"doctorId": user_id}, {"patientId": user_id}]}
