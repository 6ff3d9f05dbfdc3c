"""The Flask app: wiring only."""

from flask import Flask

from chassis.availability import answering_for
from chassis.web import create_flask
from scheduler_service import events
from scheduler_service.bootstrap import Built
from scheduler_service.routes import routes


def create_app(built: Built) -> Flask:
    return create_flask(
        events.SOURCE,
        built.config,
        apis=[routes(built.jobs, built.parts)],
        checks={"mongodb": built.database.ping},
        unavailable=answering_for(built.database),
    )
