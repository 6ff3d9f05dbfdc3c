"""The line: who waits for a doctor's time, and what they make of an offer."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import partial

from pymongo.client_session import ClientSession

from appointment_service import errors
from appointment_service.domain.appointment import Action
from appointment_service.domain.calendar import Calendar
from appointment_service.domain.slots import Slot
from appointment_service.domain.waitlist import Place, over_at, problem
from appointment_service.service.changes import made
from appointment_service.service.standing import listed, require_open, require_verified
from appointment_service.service.waitlist.offers import Freed, Offers
from appointment_service.store import CalendarStore, HoldStore, WaitlistStore
from chassis.clock import new_id
from chassis.errors import NotFound, VersionMismatch
from chassis.identity import Identity
from chassis.mongo import Database, Document
from chassis.schemas import invalid


class Waitlist:
    """Who waits for a doctor's time, and the slots that are held for them."""

    def __init__(
        self,
        database: Database,
        *,
        waitlist: WaitlistStore,
        holds: HoldStore,
        calendars: CalendarStore,
        clock: Callable[[], datetime],
        offer_seconds: int,
        require_verified_email: bool,
    ) -> None:
        self._database = database
        self._waitlist = waitlist
        self._holds = holds
        self._calendars = calendars
        self._now = clock
        self._require_verified_email = require_verified_email
        self._offers = Offers(
            waitlist=waitlist, holds=holds, calendars=calendars, clock=clock, offer_seconds=offer_seconds
        )

    # whoever waits

    def join(self, who: Identity, doctor_id: str, first: date, last: date) -> Document:
        """Wait for a doctor's time from ``first`` to ``last``, dates in the doctor's zone: the place in line.

        One insert without a transaction, as a booking is (ADR 0001): what slips in while an account is closed is
        swept a minute later. Raises DoctorNotFound, AlreadyWaiting, ValidationFailed; EmailNotVerified and
        TokenInvalid as a booking does.
        """
        now, patient_id = self._now(), who.user_id
        known = self._calendars.calendars([doctor_id, patient_id])
        patient = known.get(patient_id)
        require_open(patient)
        if self._require_verified_email:
            require_verified(who, patient)
        calendar = listed(known.get(doctor_id))["calendar"]
        zone = Calendar.from_dict(calendar).zone if calendar else UTC
        wrong = problem(first, last, now.astimezone(zone).date())
        if wrong:
            raise invalid(*wrong)
        place = new_place(new_id(), doctor_id, patient_id, first, last, now)
        self._waitlist.add(place)
        return place

    def places(self, who: Identity, after: tuple[datetime, str] | None, limit: int) -> list[Document]:
        """One's own places: up to ``limit``, latest joined first, after a key."""
        return self._waitlist.page(who.user_id, after, limit)

    def leave(self, who: Identity, place_id: str) -> None:
        """Leave the line; what is offered passes on at once. Raises NotFound."""

        def work(session: ClientSession) -> None:
            place = self._own(who, place_id, session)
            self._waitlist.leave(place, self._now(), session)
            self._pass_on([place], session)

        self._database.transact(work)

    def decline(self, who: Identity, place_id: str, expected: int | None) -> Document:
        """Refuse what is offered and stay in line; it passes on at once. Raises NotFound, NoOffer, VersionMismatch."""

        def work(session: ClientSession) -> Document:
            place = self._own(who, place_id, session)
            _require_offer(place, expected)
            self._waitlist.wait_again(place, self._now(), session)
            self._pass_on([place], session)
            return self._own(who, place_id, session)

        return self._database.transact(work)

    def accept(
        self, who: Identity, place_id: str, expected: int | None, session: ClientSession | None = None
    ) -> Document:
        """Make what is offered an appointment, once: again answers with the same.

        Raises NotFound (also for a closed account, which is out of every line), NoOffer, OfferExpired, VersionMismatch.
        """
        work = partial(self._accepted, who, place_id, expected)
        return work(session) if session else self._database.transact(work)

    # what frees time

    def awaited(self, doctor_id: str) -> bool:
        """Whether somebody waits for this doctor, so that what frees time has to look who is first in line."""
        return self._waitlist.awaited(doctor_id)

    def hold(self, freed: Sequence[Freed], session: ClientSession) -> None:
        """Hold what of the freed time can be booked for the first in line, in the transaction that frees it."""
        self._offers.hold(freed, session)

    # what becomes of people

    def close(self, user_id: str, session: ClientSession) -> None:
        """Take a person whose account is closed out of every line; what was offered passes on.

        Of a doctor, the line itself: what was held of the doctor's time is free.
        """
        places, now = self._waitlist.open_of(user_id, session), self._now()
        for place in places:
            self._waitlist.leave(place, now, session)
        own = [place for place in places if place["doctorId"] == user_id and place["offer"]]
        self._holds.release([place["offer"]["appointmentId"] for place in own], session)
        self._pass_on([place for place in places if place["doctorId"] != user_id], session)

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Forget a person, as patient and as doctor."""
        self.close(user_id, session)
        self._waitlist.delete_all(user_id, session)

    def exported(self, user_id: str) -> Iterable[Document]:
        """The places of a patient, earliest joined first."""
        return self._waitlist.all_of(user_id)

    # what time does

    def expire(self, limit: int) -> dict[str, int]:
        """Pass on up to ``limit`` offers that have expired, and delete places that are over: {"passedOn", "tidied"}.

        Each offer in a transaction of its own that claims it: two that run at once share the work.
        """
        now = self._now()
        expired = self._waitlist.expired(now, limit)
        passed = sum(self._database.transact(partial(self._lapsed, place_id, now)) for place_id in expired)
        return {"passedOn": passed, "tidied": self._waitlist.tidy(now, limit)}

    # steps

    def _lapsed(self, place_id: str, now: datetime, session: ClientSession) -> bool:
        place = self._waitlist.expired_place(place_id, now, session)
        if place is None:
            return False
        self._waitlist.wait_again(place, now, session)
        self._pass_on([place], session)
        return True

    def _accepted(self, who: Identity, place_id: str, expected: int | None, session: ClientSession) -> Document:
        now, place = self._now(), self._own(who, place_id, session)
        if place["status"] == Place.ACCEPTED:
            return self._holds.became(place["appointmentId"], session)
        _require_offer(place, expected)
        if place["offer"]["expiresAt"] <= now:
            raise errors.OfferExpired
        doctor, offer = self._calendars.calendar(place["doctorId"], session), place["offer"]
        if doctor is None or not doctor["calendar"]:
            # without a calendar there are no terms to book on
            raise errors.NoOffer
        appointment = made(
            offer["appointmentId"],
            doctor,
            who.user_id,
            Calendar.from_dict(doctor["calendar"]),
            Slot(offer["start"], offer["end"]),
            action=Action.ACCEPT,
            at=now,
            reason=None,
        )
        self._holds.become(appointment, session)
        self._waitlist.accept(place, now, session)
        return appointment

    def _own(self, who: Identity, place_id: str, session: ClientSession) -> Document:
        place = self._waitlist.place(place_id, who.user_id, session)
        if place is None:
            raise NotFound
        return place

    def _pass_on(self, given_back: Iterable[Document], session: ClientSession) -> None:
        """Pass on what was offered to these places, given as they were before they gave it back."""
        for place in given_back:
            if place["offer"]:
                self._offers.pass_on(place["doctorId"], place["offer"], session)


def new_place(place_id: str, doctor_id: str, patient_id: str, first: date, last: date, at: datetime) -> Document:
    """A place in the line, of whoever joins it."""
    return {
        "_id": place_id,
        "doctorId": doctor_id,
        "patientId": patient_id,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "status": Place.WAITING,
        "offer": None,
        "appointmentId": None,
        "seen": [],
        "overAt": over_at(last),
        "version": 1,
        "createdAt": at,
        "updatedAt": at,
        "outbox": [],
    }


def _require_offer(place: Document, expected: int | None) -> None:
    if place["status"] != Place.OFFERED:
        raise errors.NoOffer
    # another slot may have been offered since the client looked
    if expected not in (None, place["version"]):
        raise VersionMismatch
