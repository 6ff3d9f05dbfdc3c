"""The consumer process: what review-service does when other services announce something."""

# The chassis patches the standard library, so it is imported before anything else.
# isort: off
from chassis.consumer import event_handler, rpc, serve
# isort: on

from collections.abc import Sequence
from typing import Any

from pymongo.client_session import ClientSession

from chassis import telemetry
from chassis.export import told
from chassis.snapshots import PAGE, Told
from review_service import calls, events
from review_service.bootstrap import build
from review_service.config import Config
from review_service.routes.rendering import exported

config = Config.read_or_exit()
telemetry.begin(config, events.SOURCE, "consumer")
built = build(config)


class Consumer:
    name = events.SOURCE
    inbox = built.inbox

    @event_handler("appointment-service", "appointment-completed", events.AppointmentEnded)
    def appointment_completed(self, event: events.AppointmentEnded, session: ClientSession) -> None:
        built.service.appointment_completed(event, session)

    @event_handler("appointment-service", "appointment-no-show", events.AppointmentEnded)
    def appointment_no_show(self, event: events.AppointmentEnded, session: ClientSession) -> None:
        built.service.appointment_no_show(event, session)

    @event_handler("doctor-service", "doctor-updated", events.DoctorUpdated)
    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> None:
        built.service.doctor_updated(event, session)

    @event_handler("user-service", "user-deleted", events.UserDeleted)
    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        built.service.user_deleted(event, session)

    @rpc(Told[calls.Rating])
    def snapshot_ratings(self, after: str = "", limit: int = PAGE, ids: Sequence[str] | None = None) -> dict[str, Any]:
        """What is told now of these doctors' figures, or of all, page by page (Snapshot.page)."""
        return built.snapshot.page(after, limit, ids)

    @rpc(dict[str, Any])
    def export_user(self, user_id: str) -> Any:
        """All that is held about a person, as patient, doctor and reporter."""
        return told(exported(built.service.exported(user_id)))


if __name__ == "__main__":
    serve(Consumer, config)
