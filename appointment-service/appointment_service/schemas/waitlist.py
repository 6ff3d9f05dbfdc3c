"""Shapes of the waitlist."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from appointment_service.schemas.fields import Day
from chassis.schemas import Body, Shape


class WaitBody(Body):
    first: Day = Field(alias="from", description="First date, in the doctor's zone.")
    last: Day = Field(alias="to", description="Last date, at most 366 days from today.")


class Offer(Shape):
    start: datetime
    end: datetime
    timezone: str = Field(description="The doctor's zone.")
    expires_at: datetime = Field(description="When it passes on to the next in line.")


class Place(Shape):
    id: str
    doctor_id: str
    patient_id: str
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    status: Literal["WAITING", "OFFERED", "ACCEPTED"]
    offer: Offer | None = Field(description="The slot that is held for this place, while it is OFFERED.")
    appointment_id: str | None = Field(description="What was accepted; an appointment with a life of its own.")
    created_at: datetime = Field(description="When the patient joined, and so the turn in the line.")
    updated_at: datetime
    version: int


class Places(Shape):
    items: list[Place]
    next_cursor: str | None
