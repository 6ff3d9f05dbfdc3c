"""Shapes of scheduler-service's requests and answers."""

from datetime import datetime
from typing import Literal

from chassis.schemas import Shape
from scheduler_service.domain import RunStatus


class Run(Shape):
    id: str
    job: str
    status: RunStatus
    trigger: Literal["manual", "schedule"]
    requested_by: str | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, int | str] | None
    error: str | None


class RunPage(Shape):
    items: list[Run]
    next_cursor: str | None


class Job(Shape):
    name: str
    description: str
    every_seconds: int
    last_run: Run | None
    last_success_at: datetime | None
    failures_in_a_row: int


class JobList(Shape):
    items: list[Job]
    next_cursor: None
