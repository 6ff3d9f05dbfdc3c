"""Shapes of what the appointments add up to."""

from datetime import date
from typing import Literal

from pydantic import Field

from appointment_service.domain.analytics import Group
from appointment_service.domain.appointment import Status
from appointment_service.schemas.fields import SentId
from chassis.schemas import Day, Line, Page, PageQuery, Query, Shape

_FROM = "First date, in the doctor's zone; else 29 days before the last."
_TO = "Last date, at most 366 in all; else today in UTC."
_GROUP = "What makes one item of the answer."


class OwnFiguresQuery(Query):
    first: Day | None = Field(None, alias="from", description=_FROM)
    last: Day | None = Field(None, alias="to", description=_TO)
    group_by: Literal[Group.DAY, Group.WEEK, Group.MONTH] = Field(Group.DAY, description=_GROUP)


class FiguresQuery(PageQuery):
    first: Day | None = Field(None, alias="from", description=_FROM)
    last: Day | None = Field(None, alias="to", description=_TO)
    group_by: Group = Field(Group.DAY, description=_GROUP)
    doctor_id: SentId | None = Field(None, description="Only this doctor's.")
    specialty: Line | None = Field(None, description="Only of this specialty, as it was when they were booked.")
    limit: int = Field(100, ge=1, le=100, description="How many doctors or specialties at the most; days come all.")


class Figures(Shape):
    counts: dict[Status, int] = Field(description="How many appointments stand at each status, of all statuses.")
    total: int = Field(description="How many in all.")
    cancellation_rate: float | None = Field(description="Cancelled of all, 0 to 1, four decimals; null of none.")
    no_show_rate: float | None = Field(description="Not attended of those that are over, 0 to 1; null of none.")
    booked_minutes: int = Field(description="Of all that were not only asked for, or cancelled.")
    offered_minutes: int = Field(description="Of all the slots that the doctors had on these days.")
    utilisation: float | None = Field(
        description="Booked of offered minutes, above 1 where booked time is offered no more; null of none."
    )


class GroupFigures(Figures):
    """What one day, week, month, doctor or specialty adds up to."""

    key: str | None = Field(
        description="A date, a week's Monday, a month, a doctor's id or a specialty; null of erased doctors, and of "
        "appointments without a specialty."
    )


class FiguresReport(Page[GroupFigures]):
    """What the appointments of some dates add up to; days, weeks and months come all on one page."""

    first: date = Field(alias="from", description="The first date that counts.")
    last: date = Field(alias="to", description="The last date that counts.")
    group_by: Group
    totals: Figures = Field(description="Of all the dates and groups together.")
