"""Calendar files: one appointment, or at a secret address all of a person's."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from pymongo.client_session import ClientSession

from appointment_service import errors
from appointment_service.domain import ical
from appointment_service.domain.appointment import Status
from appointment_service.service.standing import require_open
from appointment_service.store import AppointmentStore, CalendarStore, FeedStore
from chassis.clock import instant_text
from chassis.errors import NotFound, TokenInvalid
from chassis.mongo import Database, Document
from chassis.tombstones import Tombstones
from chassis.urls import BASE_PATH

_SECRET_BYTES = 32
_LOOKS_BACK = timedelta(days=30)
_MOST = 1_000


class Feeds:
    """Each person's secret address, and what is found there."""

    def __init__(
        self,
        database: Database,
        *,
        feeds: FeedStore,
        appointments: AppointmentStore,
        calendars: CalendarStore,
        clock: Callable[[], datetime],
        public_url: str | None,
    ) -> None:
        self._database = database
        self._feeds = feeds
        self._appointments = appointments
        self._calendars = calendars
        self._tombstones = Tombstones(database)
        self._now = clock
        self._public_url = public_url

    def renew(self, user_id: str) -> Document:
        """Give a person's feed a new address {secret, url, createdAt}; one that it had before is dead.

        Raises TokenInvalid for a person whose account is closed while the token is still out.
        """
        secret, now = token_urlsafe(_SECRET_BYTES), self._now()

        def put(session: ClientSession) -> None:
            if not self._tombstones.are_live([user_id], session):
                raise TokenInvalid
            self._feeds.put(user_id, _hashed(secret), now, session)

        require_open(self._calendars.calendar(user_id))
        self._database.transact(put)
        path = f"{BASE_PATH}/calendar/{secret}.ics"
        return {"secret": secret, "url": f"{self._public_url or ''}{path}", "createdAt": now}

    def revoke(self, user_id: str) -> None:
        """Take a person's address away, if there is one."""
        self._feeds.remove(user_id)

    def feed(self, secret: str) -> str:
        """The calendar at this address: what its person has ahead, and the last 30 days, 1,000 appointments at most.

        Raises FeedNotFound; also while the person's account is closed.
        """
        feed = self._feeds.by_secret(_hashed(secret))
        if feed is None or not self._is_open(feed["_id"]):
            raise errors.FeedNotFound
        now = self._now()
        found = self._feeds.appointments(feed["_id"], now - _LOOKS_BACK, now, _MOST)
        doctors = self._calendars.calendars(sorted({item["doctorId"] for item in found if item["doctorId"]}))
        return ical.feed([_entry(item, doctors.get(item["doctorId"]), feed["_id"]) for item in found])

    def file(self, appointment: Document, user_id: str) -> str:
        """An appointment as a calendar file for this reader."""
        doctor = self._calendars.calendar(appointment["doctorId"]) if appointment["doctorId"] else None
        return ical.file(_entry(appointment, doctor, user_id))

    def appointment_now(self, appointment_id: str, user_id: str) -> Document:
        """{status, version, start, end, timezone, ics} of a person's appointment as it is now. Raises NotFound."""
        found = self._appointments.appointment(appointment_id, {})
        if found is None or user_id not in (found["patientId"], found["doctorId"]):
            raise NotFound
        return {
            **{name: found[name] for name in ("status", "version", "timezone")},
            "start": instant_text(found["start"]),
            "end": instant_text(found["end"]),
            "ics": self.file(found, user_id),
        }

    def exported(self, user_id: str) -> Document | None:
        """That the person has a feed, and since when; its secret is nobody's to tell."""
        feed = self._feeds.of(user_id)
        return {"createdAt": feed["createdAt"]} if feed else None

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Forget a person's address."""
        self._feeds.remove(user_id, session)

    def _is_open(self, user_id: str) -> bool:
        account = self._calendars.calendar(user_id)
        # whoever was never closed, verified or a doctor is not known here
        return account is None or account["accountActive"]


def _hashed(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _entry(appointment: Document, doctor: Document | None, user_id: str) -> ical.Entry:
    known = doctor or {}
    name = None if user_id == appointment["doctorId"] else known.get("name")
    return ical.Entry(
        id=appointment["_id"],
        version=appointment["version"],
        status=Status(appointment["status"]),
        start=appointment["start"],
        end=appointment["end"],
        timezone=appointment["timezone"],
        created_at=appointment["createdAt"],
        updated_at=appointment["updatedAt"],
        summary=ical.summary(name),
        location=ical.location(known.get("clinic")),
    )
