"""The consumer process: what appointment-service does when others announce something, and as a job rings."""

# the chassis patches the standard library, so it is imported before anything else
# isort: off
from chassis.consumer import event_handler, rpc, serve
# isort: on

from typing import Any

from pymongo.client_session import ClientSession

from appointment_service import events
from appointment_service.bootstrap import build
from appointment_service.config import Config
from appointment_service.routes import exported
from chassis import logs
from chassis.export import told

config = Config.read_or_exit()
logs.configure(events.SOURCE, "consumer", config.log_level)
built = build(config)


class Consumer:
    name = events.SOURCE
    inbox = built.inbox

    @event_handler("doctor-service", "doctor-updated", events.DoctorUpdated)
    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> None:
        built.people.doctor_updated(event, session)

    @event_handler("auth-service", "email-verified", events.EmailVerified)
    def email_verified(self, event: events.EmailVerified, session: ClientSession) -> None:
        built.people.email_verified(event, session)

    @event_handler("user-service", "user-deactivated", events.UserStatus)
    def user_deactivated(self, event: events.UserStatus, session: ClientSession) -> None:
        built.people.user_deactivated(event, session)

    @event_handler("user-service", "user-recovered", events.UserStatus)
    def user_recovered(self, event: events.UserStatus, session: ClientSession) -> None:
        built.people.account_opened(event, session)

    @event_handler("user-service", "user-suspended", events.UserStatus)
    def user_suspended(self, event: events.UserStatus, session: ClientSession) -> None:
        built.people.user_suspended(event, session)

    @event_handler("user-service", "user-reinstated", events.UserStatus)
    def user_reinstated(self, event: events.UserStatus, session: ClientSession) -> None:
        built.people.account_opened(event, session)

    @event_handler("user-service", "user-deleted", events.UserDeleted)
    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        built.people.user_deleted(event, session)

    @rpc
    def advance_due(self, limit: int = 200) -> dict[str, int]:
        """Settle appointments that are over, and cancel what a closed account has left; how many became what."""
        return built.service.advance_due(limit) | built.people.sweep(limit)

    @rpc
    def export_user(self, user_id: str) -> Any:
        """All that is held about a person, as patient and as doctor."""
        return {"appointments": [told(exported(item, user_id)) for item in built.people.exported(user_id)]}


if __name__ == "__main__":
    serve(Consumer, config)
