"""Shapes of a doctor's slots."""

from datetime import datetime

from pydantic import Field

from appointment_service.schemas.fields import Day
from chassis.schemas import Query, Shape


class SlotsQuery(Query):
    first: Day | None = Field(None, alias="from", description="First date, in the doctor's zone; else today.")
    last: Day | None = Field(None, alias="to", description="Last date, at most 31 in all; else six days later.")


class Slot(Shape):
    start: datetime
    end: datetime


class Slots(Shape):
    doctor_id: str
    timezone: str | None = Field(description="Null while the doctor has published no calendar.")
    slot_minutes: int | None
    items: list[Slot]
