"""What scheduler-service keeps of what others announce; a command (chassis.projections) compares and mends it."""

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pymongo.client_session import ClientSession

from chassis import logs
from chassis.clock import now
from chassis.mongo import Document
from chassis.projections import Kept, Projection, Projections, main
from chassis.rpc import RpcClient
from scheduler_service import events
from scheduler_service.bootstrap import Built, build
from scheduler_service.config import Config
from scheduler_service.store import Projected

MARGIN = timedelta(minutes=10)
"""What is due within this is not compared: it may be sent at any moment, by a clock that is five minutes apart."""

_RESERVED = "BOOKED"


class Reminders(Projection):
    """The reminders to come of each appointment, and that no version was heard of which there is not yet."""

    name, source, method, key = "reminders", "appointment-service", "snapshot_appointments", "appointmentId"
    reads = events.AppointmentAsTold
    nothing: ClassVar[dict[str, Any]] = {"reminders": []}

    def __init__(self, built: Built, clock: Callable[[], datetime]) -> None:
        self._appointments, self._reminders = built.appointments, built.reminders
        self._store = Projected(built.database)
        self._now = clock

    def told(self, item: Document) -> Kept:
        event = _event(item)
        facts = (event.version, event.patient_id, event.doctor_id, event.start, event.timezone)
        ahead = self._reminders.ahead(event.start, self._now() + MARGIN) if event.status == _RESERVED else []
        return Kept(event.version, {"reminders": sorted((one.minutes, one.due_at, *facts) for one in ahead)})

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        facts = ("minutes", "dueAt", "version", "userId", "doctorId", "start", "timezone")
        reminders: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for reminder in self._store.reminders(ids, self._now() + MARGIN, session):
            reminders[reminder["appointmentId"]].append(tuple(reminder[name] for name in facts))
        heard = self._store.heard(ids, session)
        return {one: Kept(heard.get(one, 0), {"reminders": sorted(reminders[one])}) for one in {*reminders, *heard}}

    def held_ids(self, after: str) -> list[str]:
        return self._store.reminded_ids(after)

    def apply(self, item: Document, session: ClientSession) -> None:
        self._appointments.as_it_is(_event(item), session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._store.forget(identifier, self._now(), session)

    def force(self, item: Document, session: ClientSession) -> None:
        self._appointments.as_it_is(_event(item), session, force=True)

    def people(self, item: Document) -> list[str]:
        return [item["doctorId"], item["patientId"]]


def _event(item: Document) -> events.AppointmentChanged:
    # who did it is not told of how things are, and is of no interest to a reminder
    return events.AppointmentChanged.model_validate({**item, "by": "system"})


def projections(built: Built, rpc: RpcClient, clock: Callable[[], datetime] = now) -> Projections:
    return Projections(built.database, rpc, [Reminders(built, clock)])


if __name__ == "__main__":
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "projections", config.log_level)
    raise SystemExit(main(projections(build(config), RpcClient(config.amqp_url)), sys.argv[1:]))
