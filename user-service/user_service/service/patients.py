"""Patients' records: written by their owners, read by who treats them, and every reading by others is known."""

from collections.abc import Callable
from datetime import date, datetime

from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from chassis.errors import AppError, NotFound, ServiceUnavailable, TokenInvalid, VersionMismatch
from chassis.identity import Identity
from chassis.mongo import Database, Document
from chassis.schemas import invalid
from chassis.tombstones import Tombstones
from user_service import store
from user_service.domain import Role, Status, begun_somewhere
from user_service.service.audit import Audit
from user_service.service.profiles import Profiles
from user_service.store.relations import Relations
from user_service.store.users import Users

_EMPTY: Document = {
    "dateOfBirth": None,
    "sex": None,
    "bloodGroup": None,
    "allergies": [],
    "conditions": [],
    "medications": [],
    "emergencyContact": None,
    "insurance": None,
    "createdAt": None,
    "updatedAt": None,
    "version": 0,
}


class Patients:
    """The clinical records."""

    def __init__(
        self,
        database: Database,
        profiles: Profiles,
        audit: Audit,
        *,
        patients: store.patients.Patients,
        users: Users,
        relations: Relations,
        tombstones: Tombstones,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._profiles = profiles
        self._audit = audit
        self._patients = patients
        self._users = users
        self._relations = relations
        self._tombstones = tombstones
        self._now = clock

    def own(self, who: Identity) -> Document:
        """The caller's record, empty before it was first written. Raises what ``Profiles.own`` raises."""
        return self._record(self._profiles.own(who))

    def replace(self, who: Identity, wanted: Document, expected: int | None) -> Document:
        """Write the caller's record whole.

        Raises ValidationFailed for a birth in the future, VersionMismatch if ``expected`` is given and not
        current, and what ``Profiles.own`` raises.
        """
        born = wanted["dateOfBirth"]
        if born is not None and not begun_somewhere(date.fromisoformat(born), self._now()):
            raise invalid("dateOfBirth", "must not be in the future")
        user = self._profiles.own(who)

        def work(session: ClientSession) -> Document:
            # asked in here: what was written after a purge, or a deactivation, would outlive it
            if not self._tombstones.are_live([who.user_id], session):
                raise TokenInvalid
            self._profiles.check_open(who, session)
            replaced = self._patients.replace(who.user_id, wanted, expected, self._now(), session)
            if replaced is None:
                raise VersionMismatch
            return replaced

        return _named(self._database.transact(work), user)

    def read(self, who: Identity, patient_id: str) -> Document:
        """A patient's record, for an admin or a doctor who treats the patient; in the audit before it is answered.

        Raises NotFound for everything else, whatever the reason; ServiceUnavailable if the audit cannot be
        written: nobody reads unseen; what ``Profiles.check_open`` raises for the caller.
        """
        patient = self._users.get(patient_id)
        refusal: AppError | None = None
        try:
            self._profiles.check_open(who)
            if patient is None or not self._may_read(who, patient):
                raise NotFound
            record = self._record(patient)
        except AppError as refused:
            refusal = refused
        # an id that nobody has is text that a client made up: it has no place in the audit
        known = patient is not None or self._tombstones.holds(patient_id)
        try:
            self._audit.record(
                "patient.read",
                actor=who,
                subject_id=patient_id if known else None,
                refused_for=refusal.code if refusal else None,
            )
        except PyMongoError:
            raise ServiceUnavailable from None
        if refusal:
            raise refusal
        return record

    def _may_read(self, who: Identity, patient: Document) -> bool:
        if patient["role"] != Role.PATIENT:
            return False
        if who.role == Role.ADMIN:
            return True
        # who left is nobody's patient; who is suspended still is
        return (
            who.role == Role.DOCTOR
            and patient["status"] != Status.DELETED
            and self._relations.is_related(who.user_id, patient["_id"])
        )

    def _record(self, user: Document) -> Document:
        return _named(self._patients.get(user["_id"]) or _EMPTY, user)


def _named(record: Document, user: Document) -> Document:
    return {**record, "_id": user["_id"], "name": user["name"]}
