"""Appointments for calendar programs: one as a file, all of a person's as a feed."""

from appointment_service.service import AppointmentService, Feeds
from chassis.api import Api


def routes(service: AppointmentService, feeds: Feeds) -> Api:
    return Api("calendar")
