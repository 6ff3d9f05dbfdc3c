"""appointment-service's documents, indexes and questions.

appointments: {_id, doctorId, patientId, start, end, timezone, day, specialty, status, version, reason,
               cancellationNoticeMinutes, cancellableUntil?, unattendedOutcome, claims?, lapsesAt?, cause?,
               history: [{action, status, at, by, reason?, start?}], createdAt, updatedAt, outbox}
calendars:    {_id: userId, accountActive, accountVersion, version, moderationStatus?, visible?, accepting?,
               active?, calendar?, emailVerified?, sweepAt?, nextAvailable?: {start, end}|null, openingVersion?,
               lookAt?, capacityThrough?, capacityAt?, outbox?}
capacity:     {_id, doctorId, day, minutes, specialty}
waitlist:     {_id, doctorId, patientId, from, to, status, offer: {appointmentId, start, end, timezone, expiresAt} or
               null, appointmentId or null, seen: [start], overAt, version, createdAt, updatedAt, outbox}
requests:     {_id: SHA-256 of user and key, people: [userId], fingerprint, expiresAt, and while it runs claim and
               leaseUntil, then answer: {status, headers, data, of an error also code and message}}
feeds:        {_id: userId, secret: its SHA-256, createdAt}
held slots:   among the appointments: {_id, doctorId, patientId, start, end, timezone, day, status: "HELD", claims,
               offer: {entryId, expiresAt}, version, createdAt, updatedAt, outbox}

``day`` is the doctor's date of the start, as text. ``cancellableUntil`` is there once a patient moved what was too
late to cancel; else the notice before the start counts. ``lapsesAt`` is there exactly while it is a request, ``cause``
once it is cancelled. Lines that older code wrote have no ``action``.
``claims`` is there exactly while the appointment is active, and its unique index is what makes double booking
impossible (ADR 0001). A calendar has two sources, each applied only if newer than what is held of it:
doctor-service (``version``) and user-service (``accountVersion``), so that an older ``doctor-updated`` does not
revive a closed account. Whoever was ever deactivated, suspended, verified or erased is there too, a patient without
a calendar. ``sweepAt`` is when to look again for what slipped in as the account was closed. ``nextAvailable`` is the
doctor's next free slot as it was told last, with ``openingVersion``, and ``lookAt`` when time alone may change it.
A place (``from``, ``to``: dates as text) and what is held for it change in one transaction; ``seen`` are the starts
that it was offered, ``overAt`` when it may be deleted.
``capacity`` has the minutes that a doctor offers on a date: of past dates as it was then, of those to come up to the
calendar's ``capacityThrough``, which moves on at ``capacityAt``. Without a ``doctorId`` they are of somebody erased.
"""

from appointment_service.store.analytics import AnalyticsStore
from appointment_service.store.appointments import AppointmentStore
from appointment_service.store.calendars import CalendarStore
from appointment_service.store.feeds import FeedStore
from appointment_service.store.holds import HoldStore
from appointment_service.store.indexes import APPOINTMENTS, CALENDARS, INDEXES, OUTBOXES
from appointment_service.store.openings import OpeningStore
from appointment_service.store.projected import ProjectedStore
from appointment_service.store.requests import RequestStore
from appointment_service.store.transition import Transition
from appointment_service.store.waitlist import WaitlistStore

__all__ = [
    "APPOINTMENTS",
    "CALENDARS",
    "INDEXES",
    "OUTBOXES",
    "AnalyticsStore",
    "AppointmentStore",
    "CalendarStore",
    "FeedStore",
    "HoldStore",
    "OpeningStore",
    "ProjectedStore",
    "RequestStore",
    "Transition",
    "WaitlistStore",
]
