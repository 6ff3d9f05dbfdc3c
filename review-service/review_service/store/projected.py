"""Visits and doctors as what others announced: read, and let go of, for comparison with them."""

from collections.abc import Sequence

from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document
from chassis.projections import held_ids
from review_service.store.standing import DOCTORS, VISITS


class ProjectedStore:
    """Both collections are nothing but copies."""

    def __init__(self, database: Database) -> None:
        self._visits = database[VISITS]
        self._doctors = database[DOCTORS]

    def visits(self, ids: Sequence[str], session: ClientSession | None = None) -> list[Document]:
        return list(self._visits.find({"_id": {"$in": list(ids)}}, session=session))

    def visit_ids(self, after: str) -> list[str]:
        return held_ids(self._visits, after, {})

    def forget_visit(self, appointment_id: str, session: ClientSession) -> None:
        """``reviewedAt`` goes too: it decides nothing, for a review is one of its appointment by an index."""
        self._visits.delete_one({"_id": appointment_id}, session=session)

    def doctors(self, ids: Sequence[str], session: ClientSession | None = None) -> list[Document]:
        return list(self._doctors.find({"_id": {"$in": list(ids)}}, session=session))

    def doctor_ids(self, after: str) -> list[str]:
        return held_ids(self._doctors, after, {})

    def forget_doctor(self, doctor_id: str, session: ClientSession) -> None:
        self._doctors.delete_one({"_id": doctor_id}, session=session)
