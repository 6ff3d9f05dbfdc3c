"""Shapes of patients' records."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict, StringConstraints

from chassis.schemas import Body, Line, Shape

Sex = Literal["male", "female", "other", "unknown"]
"""FHIR's administrative-gender."""

BloodGroup = Literal["A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-"]
"""ABO and Rh(D)."""

Dialled = Annotated[str, StringConstraints(max_length=40, pattern=r"^\+?[0-9(][0-9 ()./-]{2,}$")]
"""A telephone number as somebody would dial it, at most 40 characters."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written_out(value: object) -> object:
    # pydantic would take digits for seconds since 1970
    if isinstance(value, str) and _DATE.fullmatch(value):
        return value
    raise ValueError("must be a date such as 1984-05-31")


def _not_before_1900(day: date) -> date:
    if day.year < 1900:
        raise ValueError("must not be before 1900")
    return day


BirthDate = Annotated[
    # not strict: the text that the validator before has passed on is no JSON any more to pydantic
    date,
    Strict(False),
    BeforeValidator(_written_out),
    AfterValidator(_not_before_1900),
]
Lines = Annotated[list[Line], Field(max_length=100)]


class EmergencyContact(Body):
    name: Line | None = None
    phone: Dialled | None = None
    relation: Line | None = Field(None, description="What the contact is to the patient, such as sister.")


class Insurance(Body):
    provider: Line | None = None
    policy_number: Line | None = None


class RecordBody(Body):
    """The whole record: what is absent is empty after it."""

    date_of_birth: BirthDate | None = Field(None, description="1900 or later, not in the future.")
    sex: Sex | None = None
    blood_group: BloodGroup | None = None
    allergies: Lines = Field([], description="At most 100.")
    conditions: Lines = Field([], description="At most 100.")
    medications: Lines = Field([], description="At most 100.")
    emergency_contact: EmergencyContact | None = None
    insurance: Insurance | None = None

    def record(self) -> dict[str, Any]:
        """All fields, by the names and in the forms that they are stored in."""
        return self.model_dump(mode="json", by_alias=True)


class Patient(Shape):
    id: str
    name: str
    date_of_birth: date | None
    sex: Sex | None
    blood_group: BloodGroup | None
    allergies: list[str]
    conditions: list[str]
    medications: list[str]
    emergency_contact: EmergencyContact | None
    insurance: Insurance | None
    created_at: datetime | None = Field(description="Null before the record was first written.")
    updated_at: datetime | None
    version: int = Field(description="0 before the record was first written.")
