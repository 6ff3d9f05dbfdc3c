"""Shapes of a doctor's slots."""

from pydantic import Field

from appointment_service.schemas.fields import DoctorId, End, Start
from chassis.schemas import Day, Query, Shape


class SlotsQuery(Query):
    first: Day | None = Field(None, alias="from", description="First date, in the doctor's zone; else today.")
    last: Day | None = Field(None, alias="to", description="Last date, at most 31 in all; else six days later.")


class Slot(Shape):
    start: Start
    end: End


class Slots(Shape):
    doctor_id: DoctorId
    timezone: str | None = Field(
        description="The doctor's, by its IANA name; null while the doctor has published no calendar."
    )
    slot_minutes: int | None = Field(description="Length of a slot, in minutes; null while there is no calendar.")
    items: list[Slot] = Field(description="What could be booked now, earliest first; all of it, on one page.")
