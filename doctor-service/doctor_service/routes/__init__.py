"""doctor-service's routes: parse, call, render."""

from chassis.api import Api
from doctor_service.routes import calendars, directory, moderation, profiles
from doctor_service.service import Doctors, Follows


def routes(doctors: Doctors, follows: Follows) -> list[Api]:
    return [
        profiles.routes(doctors),
        calendars.routes(doctors),
        directory.routes(doctors, follows),
        moderation.routes(doctors),
    ]
