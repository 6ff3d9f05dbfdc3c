"""Shapes of appointments."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from appointment_service.domain.appointment import Action, Status
from appointment_service.schemas.fields import Id, Since, Until
from chassis.schemas import Body, Instant, PageQuery, Shape, Text


class BookBody(Body):
    doctor_id: Id
    start: Instant = Field(description="The start of one of the doctor's slots.")
    reason: Text | None = Field(None, description="What the visit is about; the doctor sees it.")


class ReasonBody(Body):
    reason: Text | None = Field(None, description="Shown to both, in the appointment's history.")


class RescheduleBody(Body):
    start: Instant = Field(description="The start of one of the doctor's slots.")
    reason: Text | None = Field(None, description="Shown to both, in the appointment's history.")


class AppointmentsQuery(PageQuery):
    status: Status | None = None
    since: Since | None = Field(None, alias="from", description="Starting then or later; a date is a day in UTC.")
    until: Until | None = Field(None, alias="to", description="Starting before then; of a date, by its end in UTC.")
    doctor_id: Id | None = None
    patient_id: Id | None = None


class Appointment(Shape):
    id: str
    doctor_id: str | None = Field(description="Null once the doctor's account was erased.")
    patient_id: str | None = Field(description="Null once the patient's account was erased.")
    start: datetime
    end: datetime
    timezone: str = Field(description="The doctor's zone when it was booked.")
    status: Status
    version: int
    reason: str | None
    created_at: datetime
    updated_at: datetime


class Change(Shape):
    action: Action | None = Field(None, description="What was done; not told of changes from before it was kept.")
    status: Status
    at: datetime
    by: str | None = Field(
        description="Its patient's or doctor's id, `admin` or `system`; null once that person was erased."
    )
    reason: str | None = None
    start: datetime | None = Field(None, description="The start from then on, where the change set it.")


class AppointmentWithHistory(Appointment):
    cause: Literal["declined", "lapsed", "cancelled"] | None = Field(
        None, description="What a cancelled one was cancelled by; a request lapses when nobody answers it."
    )
    history: list[Change]


class Appointments(Shape):
    items: list[Appointment]
    next_cursor: str | None
