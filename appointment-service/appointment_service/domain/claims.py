"""Claims: the five-minute cells of time that a booking holds, one string each for its doctor and its patient.

Under a unique index two bookings cannot hold the same claim, so neither person can be double-booked, whatever
the lengths of the slots. Everything that holds time, a waitlist offer too, claims it this way.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal

CELL_MINUTES = 5
_CELL = timedelta(minutes=CELL_MINUTES)
_NOTHING = timedelta()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cells(start: datetime, end: datetime) -> range:
    """The cells of [start, end), numbered in five minutes since 1970-01-01T00:00Z.

    Both are aware and on a multiple of five minutes in UTC, `end` after `start`; all else is a ValueError.
    """
    if start.utcoffset() is None or end.utcoffset() is None:
        raise ValueError("start and end must carry their offset from UTC")
    first, astray = divmod(start - _EPOCH, _CELL)
    beyond, astray_too = divmod(end - _EPOCH, _CELL)
    if astray != _NOTHING or astray_too != _NOTHING:
        raise ValueError(f"{start.isoformat()} to {end.isoformat()} is not in cells of {CELL_MINUTES} minutes")
    if beyond <= first:
        raise ValueError(f"{end.isoformat()} does not follow {start.isoformat()}")
    return range(first, beyond)


def doctor_claims(doctor_id: str, start: datetime, end: datetime) -> list[str]:
    """The doctor's half of `claims`: `d:<doctorId>:<cell>` for each cell of [start, end)."""
    return [f"d:{doctor_id}:{cell}" for cell in cells(start, end)]


def patient_claims(patient_id: str, start: datetime, end: datetime) -> list[str]:
    """The patient's half of `claims`: `p:<patientId>:<cell>` for each cell of [start, end)."""
    return [f"p:{patient_id}:{cell}" for cell in cells(start, end)]


def claims(doctor_id: str, patient_id: str, start: datetime, end: datetime) -> list[str]:
    """All that a booking of [start, end) claims, the doctor's first; ValueError as for `cells`."""
    return doctor_claims(doctor_id, start, end) + patient_claims(patient_id, start, end)


def cell_of(claim: str) -> int:
    """The cell that a claim is on; ValueError for a string that is no claim."""
    collided(claim)
    return int(claim.rpartition(":")[2])


def collided(claim: str) -> Literal["doctor", "patient"]:
    """Whose time a claim is, and so who is busy when the index refuses it; ValueError for no claim."""
    match claim[:2]:
        case "d:":
            return "doctor"
        case "p:":
            return "patient"
    raise ValueError(f"{claim!r} is not a claim")
