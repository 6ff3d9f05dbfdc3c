"""Profiles, standing and calendars: one document, changed by whoever holds its present version."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from chassis import audit
from chassis.errors import AppError, ServiceUnavailable, TokenInvalid, ValidationFailed, VersionMismatch
from chassis.mongo import Database, Document
from chassis.tombstones import Tombstones, receipt
from doctor_service import events
from doctor_service.domain import (
    Moderation,
    Search,
    Step,
    decision,
    derived,
    moderated,
    window_problems,
    with_override,
    without_override,
)
from doctor_service.errors import DoctorNotFound, DoctorProfileMissing
from doctor_service.store import DoctorStore, FollowStore

_ATTEMPTS = 20

_BOOKKEEPING = frozenset({"nameVersion", "statusVersion"})
"""What changes without the doctor having changed."""


class Doctors:
    """The doctors. Each change takes the version it was made for (``expected``), None meaning any.

    It raises VersionMismatch if that is not the present one, and DoctorProfileMissing if there is no profile.
    """

    def __init__(
        self, database: Database, *, store: DoctorStore, follows: FollowStore, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._store = store
        self._follows = follows
        self._tombstones = Tombstones(database)
        self._audit = audit.Audit(database)
        self._now = clock

    # the doctor's own

    def own(self, doctor_id: str) -> Document:
        """The doctor's document. Raises DoctorProfileMissing."""
        doctor = self._store.doctor(doctor_id)
        if doctor is None:
            raise DoctorProfileMissing
        return doctor

    def put_profile(self, doctor_id: str, name: str, profile: Document, expected: int | None) -> tuple[Document, bool]:
        """Replace the profile, or create it; the doctor, and whether it was created. Raises TokenInvalid."""
        try:
            return self.edit_profile(doctor_id, profile, expected), False
        except DoctorProfileMissing:
            if expected is not None:
                raise VersionMismatch from None
        try:
            return self._create(doctor_id, name, profile), True
        except DuplicateKeyError:
            # another first PUT of the same doctor came in between
            return self.edit_profile(doctor_id, profile, expected), False

    def edit_profile(self, doctor_id: str, changes: Document, expected: int | None) -> Document:
        """Set fields of the profile; one that was rejected is to be moderated anew."""

        def decide(doctor: Document) -> Document:
            if doctor["moderationStatus"] != Moderation.REJECTED:
                return changes
            pending = moderated(doctor, Step.RESUBMITTED, at=self._now(), by=doctor_id, reason=None)
            return {**changes, **pending}

        return self._change(doctor_id, decide, expected)

    def set_visible(self, doctor_id: str, visible: bool, expected: int | None) -> Document:
        return self._change(doctor_id, lambda _: {"visible": visible}, expected)

    def set_accepting(self, doctor_id: str, accepting: bool, expected: int | None) -> Document:
        return self._change(doctor_id, lambda _: {"accepting": accepting}, expected)

    def set_availability(self, doctor_id: str, availability: Document, expected: int | None) -> Document:
        """Replace the weekly hours and terms. Raises ValidationFailed naming the windows that do not fit."""
        _check_windows("weekly", availability["weekly"])
        return self._change(doctor_id, lambda _: {"availability": availability}, expected)

    def set_override(self, doctor_id: str, override: Document, expected: int | None) -> Document:
        """Set one date's hours in place of the weekly ones. Raises ValidationFailed, TooManyOverrides."""
        _check_windows("windows", override["windows"])
        return self._change(
            doctor_id,
            lambda doctor: {"overrides": with_override(doctor["overrides"], override, self._now())},
            expected,
        )

    def remove_override(self, doctor_id: str, date: str, expected: int | None) -> Document:
        """Let the weekly hours hold on that date again. Raises OverrideNotFound."""
        return self._change(
            doctor_id, lambda doctor: {"overrides": without_override(doctor["overrides"], date)}, expected
        )

    # everybody's

    def listed(self, doctor_id: str) -> Document:
        """A doctor whom anybody may see. Raises DoctorNotFound."""
        doctor = self._store.listed(doctor_id)
        if doctor is None:
            raise DoctorNotFound
        return doctor

    def search(self, search: Search, order: str, after: Sequence[Any] | None, limit: int) -> list[Document]:
        return self._store.search(search, order, after, limit)

    # the admins'

    def any(self, doctor_id: str) -> Document:
        """A doctor, whatever the standing. Raises DoctorNotFound."""
        doctor = self._store.doctor(doctor_id)
        if doctor is None:
            raise DoctorNotFound
        return doctor

    def all(self, status: str | None, after: Sequence[Any] | None, limit: int) -> list[Document]:
        return self._store.all(status, after, limit)

    def moderate(self, doctor_id: str, step: Step, by: str, reason: str | None, expected: int | None) -> Document:
        """Approve, reject, suspend or reinstate a profile. Raises DoctorNotFound, InvalidTransition, TokenInvalid.

        Its audit entry commits with it, but in a document of its own: the doctor's outbox keeps only the newest
        events, and goes with the doctor.
        """

        def work(session: ClientSession) -> Document:
            if not self._tombstones.are_live([by], session):
                raise TokenInvalid
            doctor = self._change(
                doctor_id,
                lambda doctor: moderated(doctor, step, at=self._now(), by=by, reason=reason),
                expected,
                missing=DoctorNotFound,
                session=session,
            )
            self._audit.record(events.moderation_audited(step, doctor_id, by), session)
            return doctor

        return self._database.transact(work)

    # the person's

    def exported(self, user_id: str) -> tuple[Document | None, list[Document]]:
        """What is held about a person: the doctor's document, if there is one, and whom the person follows."""
        return self._store.doctor(user_id), self._follows.all_of_patient(user_id)

    # what other services announce; about a doctor without a profile it changes nothing

    def user_updated(self, event: events.UserUpdated, session: ClientSession) -> None:
        self._follow_user(event.user_id, "nameVersion", event.version, {"name": event.name}, session)

    def account_closed(self, event: events.UserStatus, session: ClientSession) -> None:
        """Deactivated or suspended. An account has one status, so the newest of these events tells the present one."""
        self._follow_user(event.user_id, "statusVersion", event.version, {"active": False}, session)

    def account_opened(self, event: events.UserStatus, session: ClientSession) -> None:
        """Recovered or reinstated."""
        self._follow_user(event.user_id, "statusVersion", event.version, {"active": True}, session)

    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        """Erase the profile, the follows from and to the user, and an admin's id where that one decided.

        Nothing is announced but the receipt: the others act on user-deleted themselves.
        """
        followed = self._follows.erase(event.user_id, session)
        self._store.discount_follower(followed, session)
        self._store.erase(event.user_id, session)
        self._store.forget_moderator(event.user_id, session)
        self._tombstones.bury(event.user_id, receipt(events.SOURCE, event.user_id), session)

    # steps

    def _create(self, doctor_id: str, name: str, profile: Document) -> Document:
        doctor = new_doctor(doctor_id, name, profile, self._now())

        def work(session: ClientSession) -> None:
            if not self._tombstones.are_live([doctor_id], session):
                raise TokenInvalid
            self._store.add(doctor, events.doctor_updated(doctor), session)

        self._database.transact(work)
        return doctor

    def _follow_user(self, user_id: str, facet: str, version: int, changes: Document, session: ClientSession) -> None:
        with suppress(DoctorProfileMissing):
            self._change(
                user_id,
                lambda doctor: {**changes, facet: version} if doctor[facet] < version else {},
                None,
                session=session,
            )

    def _change(
        self,
        doctor_id: str,
        decide: Callable[[Document], Document],
        expected: int | None,
        *,
        missing: type[AppError] = DoctorProfileMissing,
        session: ClientSession | None = None,
    ) -> Document:
        """Apply what ``decide`` makes of the doctor, with its event, if nobody changed the doctor meanwhile.

        The event needs the whole doctor, so it is read first; the write holds only for the version that was
        read, and otherwise all is done again. What changes nothing makes no new version.
        """
        for _ in range(_ATTEMPTS):
            before = self._store.doctor(doctor_id, session)
            if before is None:
                raise missing
            if expected is not None and before["version"] != expected:
                raise VersionMismatch
            changes = {key: value for key, value in decide(before).items() if before[key] != value}
            if not changes:
                return before
            event = None
            if not changes.keys() <= _BOOKKEEPING:
                changes |= {"version": before["version"] + 1, "updatedAt": self._now()}
                changes |= derived({**before, **changes})
                after = {**before, **changes}
                if events.snapshot(after) != events.snapshot(before):
                    event = events.doctor_updated(after)
            changed = self._store.change(before, changes, event, session)
            if changed is not None:
                return changed
        raise ServiceUnavailable


def new_doctor(doctor_id: str, name: str, profile: Document, at: datetime) -> Document:
    """A doctor as the first profile makes one: to be moderated, and without hours."""
    doctor: Document = {
        "_id": doctor_id,
        "name": name,
        "nameVersion": 0,
        **profile,
        "moderationStatus": Moderation.PENDING,
        "moderationReason": None,
        "moderationHistory": [decision(Moderation.PENDING, at=at, by=doctor_id)],
        "visible": True,
        "accepting": True,
        "active": True,
        "statusVersion": 0,
        "rating": {"average": 0, "count": 0, "version": 0},
        "followers": 0,
        "nextAvailable": None,
        "availability": None,
        "overrides": [],
        "createdAt": at,
        "updatedAt": at,
        "version": 1,
    }
    return doctor | derived(doctor)


def _check_windows(field: str, windows: Sequence[Document]) -> None:
    if problems := window_problems(field, windows):
        raise ValidationFailed(errors=problems)
