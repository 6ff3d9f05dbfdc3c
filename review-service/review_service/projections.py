"""What review-service keeps of what others announce; a command (chassis.projections) compares and mends it."""

import sys
from collections.abc import Sequence

from pymongo.client_session import ClientSession

from chassis import logs
from chassis.mongo import Document
from chassis.projections import Kept, Projection, Projections, main
from chassis.rpc import RpcClient
from review_service import events
from review_service.bootstrap import Built, build
from review_service.config import Config
from review_service.domain import listed
from review_service.store import ProjectedStore

_ENDED = {"COMPLETED": True, "NO_SHOW": False}
"""How an appointment ended: whether the patient came."""


class Visits(Projection):
    """Who visited whom, which is what may be reviewed."""

    name, source, method, key = "visits", "appointment-service", "snapshot_appointments", "appointmentId"
    reads = events.AppointmentAsTold

    def __init__(self, built: Built) -> None:
        self._service = built.service
        self._store = ProjectedStore(built.database)

    def told(self, item: Document) -> Kept | None:
        attended = _ENDED.get(item["status"])
        if attended is None:
            return None
        people = {name: item[name] for name in ("doctorId", "patientId")}
        return Kept(item["version"], {**people, "attended": attended})

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        return {visit["_id"]: self._read(visit) for visit in self._store.visits(ids, session)}

    def held_ids(self, after: str) -> list[str]:
        return self._store.visit_ids(after)

    def apply(self, item: Document, session: ClientSession) -> None:
        event = events.AppointmentEnded.model_validate(item)
        note = self._service.appointment_completed if _ENDED[item["status"]] else self._service.appointment_no_show
        note(event, session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._store.forget_visit(identifier, session)

    def people(self, item: Document) -> list[str]:
        return [item["doctorId"], item["patientId"]]

    def _read(self, visit: Document) -> Kept:
        completed, no_show = visit.get("completedVersion", 0), visit.get("noShowVersion", 0)
        people = {name: visit.get(name) for name in ("doctorId", "patientId")}
        return Kept(max(completed, no_show), {**people, "attended": completed > no_show})


class Doctors(Projection):
    """Whose reviews the public may see."""

    name, source, method, key = "doctors", "doctor-service", "snapshot_doctors", "doctorId"
    reads = events.DoctorUpdated

    def __init__(self, built: Built) -> None:
        self._service = built.service
        self._store = ProjectedStore(built.database)

    def told(self, item: Document) -> Kept:
        shown = listed(moderation_status=item["moderationStatus"], visible=item["visible"], active=item["active"])
        return Kept(item["version"], {"listed": shown})

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        found = self._store.doctors(ids, session)
        return {doctor["_id"]: Kept(doctor["version"], {"listed": doctor["listed"]}) for doctor in found}

    def held_ids(self, after: str) -> list[str]:
        return self._store.doctor_ids(after)

    def apply(self, item: Document, session: ClientSession) -> None:
        self._service.doctor_updated(events.DoctorUpdated.model_validate(item), session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._store.forget_doctor(identifier, session)


def projections(built: Built, rpc: RpcClient) -> Projections:
    return Projections(built.database, rpc, [Visits(built), Doctors(built)])


if __name__ == "__main__":
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "projections", config.log_level)
    raise SystemExit(main(projections(build(config), RpcClient(config.amqp_url)), sys.argv[1:]))
