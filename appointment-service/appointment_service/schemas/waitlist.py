"""Shapes of the waitlist."""

from datetime import date, datetime
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from appointment_service.schemas.fields import DoctorId, End, PlaceId, Start
from chassis.schemas import Body, Day, Id, Page, Shape, UpdatedAt, Version


class WaitBody(Body):
    first: Day = Field(alias="from", description="First date, in the doctor's zone.")
    last: Day = Field(alias="to", description="Last date, at most 366 days from today.")

    example = MappingProxyType({"from": "2030-01-28", "to": "2030-02-08"})


class Offer(Shape):
    """A slot that is held for a place in the line."""

    start: Start
    end: End
    timezone: str = Field(description="The doctor's zone, by its IANA name.")
    expires_at: datetime = Field(description="When it passes on to the next in line, in UTC.")


class Place(Shape):
    id: PlaceId
    doctor_id: DoctorId
    patient_id: Id = Field(description="The patient's, which is the user's.")
    first: date = Field(alias="from", description="First date, in the doctor's zone.")
    last: date = Field(alias="to", description="Last date, in the doctor's zone.")
    status: Literal["WAITING", "OFFERED", "ACCEPTED"] = Field(
        description="In line, asked whether to take the offer, or become an appointment."
    )
    offer: Offer | None = Field(description="The slot that is held for this place, while it is OFFERED.")
    appointment_id: str | None = Field(description="What was accepted; an appointment with a life of its own.")
    created_at: datetime = Field(description="When the patient joined, in UTC, and so the turn in the line.")
    updated_at: UpdatedAt
    version: Version


class Places(Page[Place]):
    """A page of places in line."""
