"""The consumer process: what doctor-service does when users and reviews change."""

# the chassis patches the standard library, so it is imported before anything else
# isort: off
from chassis.consumer import event_handler, serve
# isort: on

from pymongo.client_session import ClientSession

from chassis import logs
from doctor_service import events
from doctor_service.bootstrap import build
from doctor_service.config import Config

config = Config.read_or_exit()
logs.configure(events.SOURCE, "consumer", config.log_level)
built = build(config)


class Consumer:
    name = events.SOURCE
    inbox = built.inbox

    @event_handler("user-service", "user-updated", events.UserUpdated)
    def user_updated(self, event: events.UserUpdated, session: ClientSession) -> None:
        built.doctors.user_updated(event, session)

    @event_handler("user-service", "user-deactivated", events.UserDeactivated)
    def user_deactivated(self, event: events.UserDeactivated, session: ClientSession) -> None:
        built.doctors.user_deactivated(event, session)

    @event_handler("user-service", "user-recovered", events.UserRecovered)
    def user_recovered(self, event: events.UserRecovered, session: ClientSession) -> None:
        built.doctors.user_recovered(event, session)

    @event_handler("user-service", "user-deleted", events.UserDeleted)
    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        built.doctors.user_deleted(event, session)

    @event_handler("review-service", "review-posted", events.ReviewPosted)
    def review_posted(self, event: events.ReviewPosted, session: ClientSession) -> None:
        built.doctors.review_posted(event, session)


if __name__ == "__main__":
    serve(Consumer, config)
