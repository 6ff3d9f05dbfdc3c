"""Who follows whom. The number of followers stands with the doctor, for lists and profiles show it at every read.

It changes in one transaction with the follow itself, so it is exact whatever races or dies; counting at each read
instead would cost an index scan per doctor shown, as long as the doctor is popular.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from chassis.errors import TokenInvalid
from chassis.mongo import Database, Document
from chassis.tombstones import Tombstones
from doctor_service.errors import DoctorNotFound
from doctor_service.store import DoctorStore, FollowStore


class Follows:
    """Patients' follows of doctors."""

    def __init__(
        self, database: Database, *, store: FollowStore, doctors: DoctorStore, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._store = store
        self._doctors = doctors
        self._tombstones = Tombstones(database)
        self._now = clock

    def follow(self, patient_id: str, doctor_id: str) -> None:
        """Follow a listed doctor; again is the same as once. Raises DoctorNotFound, TokenInvalid."""

        def work(session: ClientSession) -> None:
            if not self._tombstones.are_live([patient_id], session):
                raise TokenInvalid
            if not self._doctors.count_follower(doctor_id, session):
                raise DoctorNotFound
            self._store.add(patient_id, doctor_id, self._now(), session)

        # a second follow undoes its count with the transaction
        with suppress(DuplicateKeyError):
            self._database.transact(work)

    def unfollow(self, patient_id: str, doctor_id: str) -> None:
        """Follow a doctor no more, listed or not; again is the same as once."""

        def work(session: ClientSession) -> None:
            if self._store.remove(patient_id, doctor_id, session):
                self._doctors.discount_follower([doctor_id], session)

        self._database.transact(work)

    def following(self, patient_id: str, after: Sequence[Any] | None, limit: int) -> list[Document]:
        """The patient's follows, latest first, each with its ``doctor``: None while that one is not listed."""
        follows = self._store.of_patient(patient_id, after, limit)
        doctors = self._doctors.listed_among([follow["doctorId"] for follow in follows])
        return [{**follow, "doctor": doctors.get(follow["doctorId"])} for follow in follows]
