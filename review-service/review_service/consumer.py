"""The consumer process: what review-service does when other services announce something."""

# The chassis patches the standard library, so it is imported before anything else.
# isort: off
from chassis.consumer import event_handler, serve
# isort: on

from pymongo.client_session import ClientSession

from chassis import logs
from review_service import events
from review_service.bootstrap import build
from review_service.config import Config

config = Config.read_or_exit()
logs.configure(events.SOURCE, "consumer", config.log_level)
built = build(config)


class Consumer:
    name = events.SOURCE
    inbox = built.inbox

    @event_handler("appointment-service", "appointment-completed", events.AppointmentCompleted)
    def appointment_completed(self, event: events.AppointmentCompleted, session: ClientSession) -> None:
        built.service.appointment_completed(event, session)

    @event_handler("doctor-service", "doctor-updated", events.DoctorUpdated)
    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> None:
        built.service.doctor_updated(event, session)

    @event_handler("user-service", "user-deleted", events.UserDeleted)
    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        built.service.user_deleted(event, session)


if __name__ == "__main__":
    serve(Consumer, config)
