"""The Flask app: wiring only."""

from flask import Flask

from chassis.availability import answering_for
from chassis.web import create_flask
from user_service import events
from user_service.bootstrap import Built
from user_service.internal import internal
from user_service.routes import routes


def create_app(built: Built) -> Flask:
    return create_flask(
        events.SOURCE,
        built.config,
        apis=[*routes(built.service), internal(built.service)],
        checks={"mongodb": built.database.ping},
        unavailable=answering_for(built.database),
    )
