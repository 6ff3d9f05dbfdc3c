"""The Flask app: wiring only."""

from flask import Flask

from appointment_service import events
from appointment_service.bootstrap import Built
from appointment_service.routes import analytics, appointments, calendar, doctor, slots, waitlist
from chassis.availability import answering_for
from chassis.web import create_flask


def create_app(built: Built) -> Flask:
    return create_flask(
        events.SOURCE,
        built.config,
        apis=[
            slots.routes(built.booking),
            appointments.routes(built.booking, built.service, built.requests),
            doctor.routes(built.service),
            waitlist.routes(built.waitlist, built.requests),
            calendar.routes(built.service, built.feeds),
            analytics.routes(built.analytics),
        ],
        checks={"mongodb": built.database.ping},
        unavailable=answering_for(built.database),
    )
