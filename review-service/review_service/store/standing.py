"""The doctors' figures, and what other services told: who visited whom, and which doctors are listed."""

from datetime import datetime

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document, update_and_read

VISITS = "visits"
DOCTORS = "doctors"
RATINGS = "ratings"

VISIT_INDEXES = [
    IndexModel([("patientId", ASCENDING)], name="of_patient"),
    IndexModel([("doctorId", ASCENDING)], name="of_doctor"),
]


class StandingStore:
    """The only place that talks to the collections of ratings, visits and doctors."""

    def __init__(self, database: Database) -> None:
        self._visits = database[VISITS]
        self._doctors = database[DOCTORS]
        self._ratings = database[RATINGS]

    # figures

    def rating_of(self, doctor_id: str) -> Document | None:
        return self._ratings.find_one({"_id": doctor_id})

    def count_in(self, doctor_id: str, stars: int, session: ClientSession) -> Document:
        """Add the rating of a new review, a doctor's first among them; the figures after it."""
        after = update_and_read(self._ratings, {"_id": doctor_id}, _step(None, stars), upsert=True, session=session)
        assert after is not None, "after an upsert there always is one"
        return after

    def recount(self, doctor_id: str, before: int | None, after: int | None, session: ClientSession) -> Document | None:
        """Count a review's stars as ``after`` instead of ``before`` (None: not at all); the figures after it.

        None where the doctor has none: those of an erased doctor are not brought back.
        """
        return update_and_read(self._ratings, {"_id": doctor_id}, _step(before, after), session=session)

    # visits

    def take_visit(
        self, appointment_id: str, patient_id: str, now: datetime, session: ClientSession
    ) -> Document | None:
        """The patient's visit that took place, marked as reviewed; None if there is none.

        The mark does not refuse a second review (the unique index does). It makes a concurrent erasure of the
        patient or the doctor, which deletes the visit, conflict with this transaction; a correction, too.
        """
        # a missing version compares as less than any number
        attended = {"$expr": {"$gt": ["$completedVersion", "$noShowVersion"]}}
        return update_and_read(
            self._visits,
            {"_id": appointment_id, "patientId": patient_id, **attended},
            {"$set": {"reviewedAt": now}},
            session=session,
        )

    def visit(self, appointment_id: str, session: ClientSession) -> Document | None:
        return self._visits.find_one({"_id": appointment_id}, session=session)

    def put_visit(
        self,
        appointment_id: str,
        doctor_id: str,
        patient_id: str,
        *,
        attended: bool,
        version: int,
        session: ClientSession,
    ) -> None:
        """Note how an appointment ended. Its doctor and patient never change; the newest word on it decides."""
        self._visits.update_one(
            {"_id": appointment_id},
            {
                "$setOnInsert": {"doctorId": doctor_id, "patientId": patient_id},
                "$max": {"completedVersion" if attended else "noShowVersion": version},
            },
            upsert=True,
            session=session,
        )

    # doctors

    def doctor(self, doctor_id: str) -> Document | None:
        return self._doctors.find_one({"_id": doctor_id})

    def put_doctor(self, doctor_id: str, listed: bool, version: int, session: ClientSession) -> None:
        """Note a doctor's standing, unless a newer one is here already."""
        # a missing version compares as less than any number
        newer = {"$gt": [version, "$version"]}
        self._doctors.update_one(
            {"_id": doctor_id},
            [
                {
                    "$set": {
                        "listed": {"$cond": [newer, listed, "$listed"]},
                        "version": {"$max": ["$version", version]},
                    }
                }
            ],
            upsert=True,
            session=session,
        )

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Forget a person's visits and, of a doctor, standing and figures."""
        self._visits.delete_many({"$or": [{"patientId": user_id}, {"doctorId": user_id}]}, session=session)
        self._ratings.delete_one({"_id": user_id}, session=session)
        self._doctors.delete_one({"_id": user_id}, session=session)


def _step(before: int | None, after: int | None) -> Document:
    """The update that counts ``after`` stars in place of ``before``; they differ."""
    change = {"count": 0, "sum": 0, "version": 1}
    for stars, sign in ((before, -1), (after, 1)):
        if stars is not None:
            change["count"] += sign
            change["sum"] += sign * stars
            change[f"histogram.{stars}"] = sign
    return {"$inc": change}
