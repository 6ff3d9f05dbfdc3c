"""The consumer process: what appointment-service does when others announce something, and as a job rings."""

# the chassis patches the standard library, so it is imported before anything else
# isort: off
from chassis.consumer import event_handler, rpc, serve
# isort: on

from pymongo.client_session import ClientSession

from appointment_service import events
from appointment_service.bootstrap import build
from appointment_service.config import Config
from chassis import logs

config = Config.read_or_exit()
logs.configure(events.SOURCE, "consumer", config.log_level)
built = build(config)


class Consumer:
    name = events.SOURCE
    inbox = built.inbox

    @event_handler("doctor-service", "doctor-updated", events.DoctorUpdated)
    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> None:
        built.service.doctor_updated(event, session)

    @event_handler("user-service", "user-deactivated", events.UserDeactivated)
    def user_deactivated(self, event: events.UserDeactivated, session: ClientSession) -> None:
        built.service.user_deactivated(event, session)

    @event_handler("user-service", "user-recovered", events.UserRecovered)
    def user_recovered(self, event: events.UserRecovered, session: ClientSession) -> None:
        built.service.user_recovered(event, session)

    @event_handler("user-service", "user-deleted", events.UserDeleted)
    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        built.service.user_deleted(event, session)

    @rpc
    def advance_due(self, limit: int = 200) -> dict[str, int]:
        """Settle appointments that are over; how many became what."""
        return built.service.advance_due(limit)


if __name__ == "__main__":
    serve(Consumer, config)
