"""Shapes of patients' records."""

import re
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict, StringConstraints

from chassis.schemas import Body, CreatedAt, Id, Line, Shape, UpdatedAt, Version

Sex = Annotated[
    Literal["male", "female", "other", "unknown"], Field(description="As FHIR's administrative-gender has it.")
]
BloodGroup = Annotated[
    Literal["A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-"], Field(description="By ABO and Rh(D).")
]
Dialled = Annotated[
    str,
    StringConstraints(max_length=40, pattern=r"^\+?[0-9(][0-9 ()./-]{2,}$"),
    Field(
        description="A number as somebody would dial it, such as 044 555 01 23.", json_schema_extra={"format": "tel"}
    ),
]

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
    """Whom to call."""

    name: Line | None = Field(None, description="First and last name.")
    phone: Dialled | None = None
    relation: Line | None = Field(None, description="What the contact is to the patient, such as sister.")


class Insurance(Body):
    """Who pays."""

    provider: Line | None = Field(None, description="The insurer's name.")
    policy_number: Line | None = Field(None, description="As the insurer writes it.")


class RecordBody(Body):
    """The whole record: what is absent is empty after it."""

    date_of_birth: BirthDate | None = Field(None, description="1900 or later, not in the future.")
    sex: Sex | None = None
    blood_group: BloodGroup | None = None
    allergies: Lines = Field([], description="At most 100, one to an item.")
    conditions: Lines = Field([], description="Lasting illnesses: at most 100, one to an item.")
    medications: Lines = Field([], description="What is taken, and how much: at most 100, one to an item.")
    emergency_contact: EmergencyContact | None = None
    insurance: Insurance | None = None

    example = MappingProxyType(
        {
            "dateOfBirth": "1984-05-31",
            "sex": "female",
            "bloodGroup": "A+",
            "allergies": ["Penicillin"],
            "conditions": ["Asthma"],
            "medications": ["Salbutamol 100 µg, as needed"],
            "emergencyContact": {"name": "Jonas Roth", "phone": "+41 44 555 01 23", "relation": "brother"},
            "insurance": {"provider": "Helvita", "policyNumber": "80-756-123"},
        }
    )

    def record(self) -> dict[str, Any]:
        """All fields, by the names and in the forms that they are stored in."""
        return self.model_dump(mode="json", by_alias=True)


class Patient(Shape):
    id: Id
    name: str = Field(description="The patient's, as it is shown.")
    date_of_birth: date | None = Field(description="YYYY-MM-DD.")
    sex: Sex | None
    blood_group: BloodGroup | None
    allergies: list[str] = Field(description="One to an item.")
    conditions: list[str] = Field(description="Lasting illnesses, one to an item.")
    medications: list[str] = Field(description="What is taken, and how much, one to an item.")
    emergency_contact: EmergencyContact | None
    insurance: Insurance | None
    created_at: CreatedAt | None = Field(description="When it was first written, in UTC; null before that.")
    updated_at: UpdatedAt | None
    version: Version = Field(description="Rises with each change, for `If-Match`; 0 before it was first written.")
