"""appointment-service's use cases: appointments, and what becomes of them as people come and go."""

from appointment_service.service.analytics import Analytics
from appointment_service.service.appointments import AppointmentService
from appointment_service.service.booking import Booking
from appointment_service.service.feeds import Feeds
from appointment_service.service.openings import Openings
from appointment_service.service.people import People
from appointment_service.service.requests import Requests
from appointment_service.service.waitlist import Waitlist

__all__ = ["Analytics", "AppointmentService", "Booking", "Feeds", "Openings", "People", "Requests", "Waitlist"]
