"""appointment-service's use cases: appointments, and what becomes of them as people come and go."""

from appointment_service.service.appointments import AppointmentService
from appointment_service.service.people import People

__all__ = ["AppointmentService", "People"]
