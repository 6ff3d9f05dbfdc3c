"""What appointment-service answers when it is called."""

from datetime import datetime

from appointment_service.domain.appointment import Status
from chassis.schemas import Shape


class AppointmentNow(Shape):
    status: Status
    version: int
    timezone: str
    start: datetime
    end: datetime
    ics: str


class Appointment(Shape):
    """Of ``snapshot_appointments``."""

    appointment_id: str
    doctor_id: str
    patient_id: str
    timezone: str
    status: Status
    version: int
    start: datetime
    end: datetime


class Slot(Shape):
    start: datetime
    end: datetime


class NextAvailable(Shape):
    """Of ``snapshot_next_available``."""

    doctor_id: str
    version: int
    next_available: Slot | None
