"""The Flask app: wiring only."""

from flask import Flask

from chassis.availability import answering_for
from chassis.web import create_flask
from doctor_service import events
from doctor_service.bootstrap import Built
from doctor_service.routes import routes


def create_app(built: Built) -> Flask:
    return create_flask(
        events.SOURCE,
        built.config,
        apis=routes(built.doctors, built.follows),
        checks={"mongodb": built.database.ping},
        unavailable=answering_for(built.database),
    )
