"""The consumer process: what doctor-service does when users, reviews and free slots change."""

# the chassis patches the standard library, so it is imported before anything else
# isort: off
from chassis.consumer import event_handler, rpc, serve
# isort: on

from collections.abc import Sequence
from typing import Any

from pymongo.client_session import ClientSession

from chassis import telemetry
from chassis.export import told
from chassis.snapshots import PAGE, Told
from doctor_service import calls, events
from doctor_service.bootstrap import build
from doctor_service.config import Config
from doctor_service.routes.rendering import exported

config = Config.read_or_exit()
telemetry.begin(config, events.SOURCE, "consumer")
built = build(config)


class Consumer:
    name = events.SOURCE
    inbox = built.inbox

    @event_handler("user-service", "user-updated", events.UserUpdated)
    def user_updated(self, event: events.UserUpdated, session: ClientSession) -> None:
        built.doctors.user_updated(event, session)

    @event_handler("user-service", "user-deactivated", events.UserStatus)
    def user_deactivated(self, event: events.UserStatus, session: ClientSession) -> None:
        built.doctors.account_closed(event, session)

    @event_handler("user-service", "user-recovered", events.UserStatus)
    def user_recovered(self, event: events.UserStatus, session: ClientSession) -> None:
        built.doctors.account_opened(event, session)

    @event_handler("user-service", "user-suspended", events.UserStatus)
    def user_suspended(self, event: events.UserStatus, session: ClientSession) -> None:
        built.doctors.account_closed(event, session)

    @event_handler("user-service", "user-reinstated", events.UserStatus)
    def user_reinstated(self, event: events.UserStatus, session: ClientSession) -> None:
        built.doctors.account_opened(event, session)

    @event_handler("user-service", "user-deleted", events.UserDeleted)
    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        built.doctors.user_deleted(event, session)

    @event_handler("review-service", "review-posted", events.DoctorRated)
    def review_posted(self, event: events.DoctorRated, session: ClientSession) -> None:
        built.cards.doctor_rated(event, session)

    @event_handler("review-service", "review-changed", events.DoctorRated)
    def review_changed(self, event: events.DoctorRated, session: ClientSession) -> None:
        built.cards.doctor_rated(event, session)

    @event_handler("appointment-service", "next-available-changed", events.NextAvailableChanged)
    def next_available_changed(self, event: events.NextAvailableChanged, session: ClientSession) -> None:
        built.cards.next_available_changed(event, session)

    @rpc(Told[calls.Doctor])
    def snapshot_doctors(self, after: str = "", limit: int = PAGE, ids: Sequence[str] | None = None) -> dict[str, Any]:
        """What ``doctor-updated`` would tell now of these doctors, or of all, page by page (Snapshot.page)."""
        return built.snapshot.page(after, limit, ids)

    @rpc(dict[str, Any])
    def export_user(self, user_id: str) -> Any:
        """All that is held about a person, as patient and as doctor."""
        return told(exported(*built.doctors.exported(user_id)))


if __name__ == "__main__":
    serve(Consumer, config)
