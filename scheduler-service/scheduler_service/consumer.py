"""The consumer process: who is told what when another service announces something."""

# the chassis patches the standard library, so it is imported before anything else
# isort: off
from chassis.consumer import event_handler, rpc, serve
# isort: on

from typing import Any

from pymongo.client_session import ClientSession

from chassis import telemetry
from scheduler_service import events
from scheduler_service.bootstrap import build
from scheduler_service.config import Config

config = Config.read_or_exit()
telemetry.begin(config, events.SOURCE, "consumer")
built = build(config)


class Consumer:
    name = events.SOURCE
    inbox = built.inbox

    @event_handler("auth-service", "user-registered", events.UserRegistered)
    def user_registered(self, event: events.UserRegistered, session: ClientSession) -> None:
        built.post.user_registered(event, session)

    @event_handler("auth-service", "email-verification-requested", events.TokenRequested)
    def email_verification_requested(self, event: events.TokenRequested, session: ClientSession) -> None:
        built.post.email_verification_requested(event, session)

    @event_handler("auth-service", "password-reset-requested", events.TokenRequested)
    def password_reset_requested(self, event: events.TokenRequested, session: ClientSession) -> None:
        built.post.password_reset_requested(event, session)

    @event_handler("auth-service", "password-changed", events.PasswordChanged)
    def password_changed(self, event: events.PasswordChanged, session: ClientSession) -> None:
        built.post.password_changed(event, session)

    @event_handler("appointment-service", "appointment-requested", events.AppointmentChanged)
    def appointment_requested(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.appointments.requested(event, session)

    @event_handler("appointment-service", "appointment-booked", events.AppointmentChanged)
    def appointment_booked(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.appointments.booked(event, session)

    @event_handler("appointment-service", "appointment-rescheduled", events.AppointmentChanged)
    def appointment_rescheduled(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.appointments.rescheduled(event, session)

    @event_handler("appointment-service", "appointment-checked-in", events.AppointmentChanged)
    def appointment_checked_in(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.appointments.begun_or_missed(event, session)

    @event_handler("appointment-service", "appointment-cancelled", events.AppointmentChanged)
    def appointment_cancelled(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.appointments.cancelled(event, session)

    @event_handler("appointment-service", "appointment-completed", events.AppointmentChanged)
    def appointment_completed(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.appointments.completed(event, session)

    @event_handler("appointment-service", "appointment-no-show", events.AppointmentChanged)
    def appointment_no_show(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.appointments.begun_or_missed(event, session)

    @event_handler("appointment-service", "waitlist-offered", events.WaitlistOffered)
    def waitlist_offered(self, event: events.WaitlistOffered, session: ClientSession) -> None:
        built.post.waitlist_offered(event, session)

    @event_handler("user-service", "user-deleted", events.UserDeleted)
    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        built.user_deleted(event, session)

    @rpc(dict[str, Any])
    def export_user(self, user_id: str) -> dict[str, Any]:
        return built.export_user(user_id)


if __name__ == "__main__":
    serve(Consumer, config)
