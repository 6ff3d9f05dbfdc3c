"""The Flask app: wiring only."""

from flask import Flask

from chassis.availability import answering_for
from chassis.web import create_flask
from review_service import events
from review_service.bootstrap import Built
from review_service.routes import routes


def create_app(built: Built) -> Flask:
    return create_flask(
        events.SOURCE,
        built.config,
        apis=routes(built.service, built.changes, built.moderation),
        checks={"mongodb": built.database.ping},
        unavailable=answering_for(built.database),
    )
