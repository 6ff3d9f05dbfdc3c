"""The consumer process: what appointment-service does when others announce something, and as a job rings."""

# the chassis patches the standard library, so it is imported before anything else
# isort: off
from chassis.consumer import event_handler, rpc, serve
# isort: on

from collections.abc import Sequence
from typing import Any

from pymongo.client_session import ClientSession

from appointment_service import calls, events
from appointment_service.bootstrap import build
from appointment_service.config import Config
from appointment_service.routes.rendering import exported, place
from chassis import telemetry
from chassis.export import told
from chassis.snapshots import PAGE, Told

config = Config.read_or_exit()
telemetry.begin(config, events.SOURCE, "consumer")
built = build(config)


class Consumer:
    name = events.SOURCE
    inbox = built.inbox

    @event_handler("doctor-service", "doctor-updated", events.DoctorUpdated)
    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> None:
        built.doctor_updated(event, session)

    @event_handler("appointment-service", "appointment-requested", events.AppointmentChanged)
    def appointment_requested(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.openings.appointment_changed(event, session)

    @event_handler("appointment-service", "appointment-booked", events.AppointmentChanged)
    def appointment_booked(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.openings.appointment_changed(event, session)

    @event_handler("appointment-service", "appointment-rescheduled", events.AppointmentChanged)
    def appointment_rescheduled(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.openings.appointment_changed(event, session)

    @event_handler("appointment-service", "appointment-cancelled", events.AppointmentChanged)
    def appointment_cancelled(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.openings.appointment_changed(event, session)

    @event_handler("appointment-service", "appointment-completed", events.AppointmentChanged)
    def appointment_completed(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.openings.appointment_changed(event, session)

    @event_handler("appointment-service", "appointment-no-show", events.AppointmentChanged)
    def appointment_no_show(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.openings.appointment_changed(event, session)

    @event_handler("auth-service", "email-verified", events.EmailVerified)
    def email_verified(self, event: events.EmailVerified, session: ClientSession) -> None:
        built.people.email_verified(event, session)

    @event_handler("user-service", "user-deactivated", events.UserStatus)
    def user_deactivated(self, event: events.UserStatus, session: ClientSession) -> None:
        built.account_closed(event, suspended=False, session=session)

    @event_handler("user-service", "user-recovered", events.UserStatus)
    def user_recovered(self, event: events.UserStatus, session: ClientSession) -> None:
        built.account_opened(event, session)

    @event_handler("user-service", "user-suspended", events.UserStatus)
    def user_suspended(self, event: events.UserStatus, session: ClientSession) -> None:
        built.account_closed(event, suspended=True, session=session)

    @event_handler("user-service", "user-reinstated", events.UserStatus)
    def user_reinstated(self, event: events.UserStatus, session: ClientSession) -> None:
        built.account_opened(event, session)

    @event_handler("user-service", "user-deleted", events.UserDeleted)
    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        built.people.user_deleted(event, session)

    @rpc(dict[str, int])
    def advance_due(self, limit: int = 200) -> dict[str, int]:
        """All that time brings about but offers: how many became what.

        Appointments that are over are settled, requests lapse, what a closed account has left is cancelled, and what
        is kept of each doctor's next free slot and offered time goes on with the day.
        """
        moved = built.service.advance_due(limit) | built.people.sweep(limit)
        return moved | built.openings.sweep(limit) | built.analytics.extend(limit)

    @rpc(dict[str, int])
    def expire_offers(self, limit: int = 200) -> dict[str, int]:
        """Pass on offers of held slots that nobody accepted in time; how many."""
        return built.waitlist.expire(limit)

    @rpc(calls.AppointmentNow)
    def appointment_now(self, appointment_id: str, user_id: str) -> dict[str, Any]:
        """{status, version, start, end, timezone, ics} of a person's appointment as it is at this moment."""
        return built.feeds.appointment_now(appointment_id, user_id)

    @rpc(Told[calls.Appointment])
    def snapshot_appointments(
        self, after: str = "", limit: int = PAGE, ids: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """What would be told now of these appointments, or of all, page by page (Snapshot.page)."""
        return built.snapshot.page(after, limit, ids)

    @rpc(Told[calls.NextAvailable])
    def snapshot_next_available(
        self, after: str = "", limit: int = PAGE, ids: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """What ``next-available-changed`` would tell now of these doctors, or of all, page by page (Snapshot.page)."""
        return built.next_available_snapshot.page(after, limit, ids)

    @rpc(dict[str, Any])
    def export_user(self, user_id: str) -> Any:
        """All that is held about a person, as patient and as doctor."""
        return {
            "appointments": [told(exported(item, user_id)) for item in built.people.exported(user_id)],
            "waitlist": [told(place(item)) for item in built.waitlist.exported(user_id)],
            "calendarFeed": told(built.feeds.exported(user_id)),
        }


if __name__ == "__main__":
    serve(Consumer, config)
