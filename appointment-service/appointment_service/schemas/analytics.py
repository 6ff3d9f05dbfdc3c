"""Shapes of what the appointments add up to."""

from datetime import date
from typing import Literal

from pydantic import Field

from appointment_service.domain.analytics import Group
from appointment_service.domain.appointment import Status
from appointment_service.schemas.fields import Day, Id
from chassis.schemas import Line, PageQuery, Query, Shape

_FROM = "First date, in the doctor's zone; else 29 days before the last."
_TO = "Last date, at most 366 in all; else today in UTC."


class OwnFiguresQuery(Query):
    first: Day | None = Field(None, alias="from", description=_FROM)
    last: Day | None = Field(None, alias="to", description=_TO)
    group_by: Literal[Group.DAY, Group.WEEK, Group.MONTH] = Group.DAY


class FiguresQuery(PageQuery):
    first: Day | None = Field(None, alias="from", description=_FROM)
    last: Day | None = Field(None, alias="to", description=_TO)
    group_by: Group = Group.DAY
    doctor_id: Id | None = None
    specialty: Line | None = None
    limit: int = Field(100, ge=1, le=100, description="How many doctors or specialties at the most; days come all.")


class Figures(Shape):
    counts: dict[Status, int] = Field(description="How many appointments stand at each status.")
    total: int
    cancellation_rate: float | None = Field(description="Cancelled of all, four decimals; null of none.")
    no_show_rate: float | None = Field(description="Not attended of those that are over; null of none.")
    booked_minutes: int = Field(description="Of all that were not only asked for, or cancelled.")
    offered_minutes: int = Field(description="Of all the slots that the doctors had on these days.")
    utilisation: float | None = Field(description="Booked of offered minutes; null where none are offered.")


class GroupFigures(Figures):
    key: str | None = Field(
        description="A date, a week's Monday, a month, a doctor's id or a specialty; null of erased doctors, and of "
        "appointments without a specialty."
    )


class FiguresReport(Shape):
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    group_by: Group
    totals: Figures
    items: list[GroupFigures]
    next_cursor: str | None
