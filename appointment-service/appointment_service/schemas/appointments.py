"""Shapes of appointments."""

from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from appointment_service.domain.appointment import Action, Status
from appointment_service.schemas.fields import AppointmentId, End, SentId, Since, Start, Until
from chassis.schemas import Body, CreatedAt, Instant, Page, PageQuery, Shape, Text, UpdatedAt, Version

SlotStart = Annotated[Instant, Field(description="The start of one of the doctor's slots; RFC 3339 with an offset.")]
Reason = Annotated[Text, Field(description="Shown to both, in the appointment's history.")]


class BookBody(Body):
    doctor_id: SentId = Field(description="As `GET /doctors` lists it.")
    start: SlotStart
    reason: Text | None = Field(None, description="What the visit is about; the doctor sees it.")

    example = MappingProxyType(
        {"doctorId": "0123456789abcdef", "start": "2030-01-31T09:00:00+01:00", "reason": "A mole that has changed."}
    )


class ReasonBody(Body):
    reason: Reason | None = None

    example = MappingProxyType({"reason": "I am away on that day."})


class RescheduleBody(Body):
    start: SlotStart
    reason: Reason | None = None

    example = MappingProxyType({"start": "2030-02-04T14:30:00+01:00", "reason": "I am away on that day."})


class AppointmentsQuery(PageQuery):
    status: Status | None = Field(None, description="Only those that stand so.")
    since: Since | None = Field(None, alias="from", description="Starting then or later; a date is a day in UTC.")
    until: Until | None = Field(None, alias="to", description="Starting before then; of a date, by its end in UTC.")
    doctor_id: SentId | None = Field(None, description="Only this doctor's.")
    patient_id: SentId | None = Field(None, description="Only this patient's.")


class Appointment(Shape):
    """An appointment; it keeps the length and zone it was booked with."""

    id: AppointmentId
    doctor_id: str | None = Field(description="Null once the doctor's account was erased.")
    patient_id: str | None = Field(description="Null once the patient's account was erased.")
    start: Start
    end: End
    timezone: str = Field(description="The doctor's zone when it was booked, by its IANA name.")
    status: Status
    version: Version
    reason: str | None = Field(description="What the visit is about, in the patient's words.")
    created_at: CreatedAt
    updated_at: UpdatedAt


class Change(Shape):
    action: Action | None = Field(None, description="What was done; not told of changes from before it was kept.")
    status: Status = Field(description="Where it stood from then on.")
    at: datetime = Field(description="When it was done, in UTC.")
    by: str | None = Field(
        description="Its patient's or doctor's id, `admin` or `system`; null once that person was erased."
    )
    reason: str | None = Field(None, description="What whoever did it wrote.")
    start: datetime | None = Field(None, description="The start from then on, in UTC, where the change set it.")


class AppointmentWithHistory(Appointment):
    """An appointment, and what became of it."""

    cause: Literal["declined", "lapsed", "cancelled"] | None = Field(
        None, description="What a cancelled one was cancelled by; a request lapses when nobody answers it."
    )
    history: list[Change] = Field(description="Every change, oldest first.")


class Appointments(Page[Appointment]):
    """A page of appointments."""
