"""The Flask app: wiring only."""

from flask import Flask

from auth_service import events
from auth_service.bootstrap import Built
from auth_service.internal import internal
from auth_service.routes import routes
from chassis.availability import answering_for
from chassis.web import create_flask


def create_app(built: Built) -> Flask:
    return create_flask(
        events.SOURCE,
        built.config,
        apis=[*routes(built.service), internal(built.service)],
        checks={"mongodb": built.database.ping},
        unavailable=answering_for(built.database),
    )
