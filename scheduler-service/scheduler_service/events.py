"""What scheduler-service acts on; it publishes its receipts of erasure only (chassis.tombstones)."""

from datetime import datetime

from chassis.schemas import EventData

SOURCE = "scheduler-service"


class UserRegistered(EventData):
    user_id: str


class UserDeleted(EventData):
    user_id: str


class AppointmentChanged(EventData):
    """appointment-booked, -cancelled and -completed carry the same."""

    appointment_id: str
    doctor_id: str
    patient_id: str
    start: datetime
    timezone: str
    version: int
    by: str
