"""Shapes of scheduler-service's requests and answers."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from chassis.schemas import Id, Page, Shape
from scheduler_service.domain import RunStatus

JobName = Annotated[str, Field(description="As `GET /admin/jobs` lists it, such as send-reminders.")]


class Run(Shape):
    """One time that a job ran, runs or will run."""

    id: Id
    job: JobName
    status: RunStatus
    trigger: Literal["manual", "schedule"] = Field(description="Whether an admin asked for it, or it was due.")
    requested_by: str | None = Field(description="The admin who asked; null where it was due, or that one was erased.")
    queued_at: datetime = Field(description="When it was asked for or due, in UTC.")
    started_at: datetime | None = Field(description="When a worker began, in UTC; null until then.")
    finished_at: datetime | None = Field(description="When it ended, well or not, in UTC; null until then.")
    result: dict[str, int | str] | None = Field(description="What it did, in the job's own figures; null until then.")
    error: str | None = Field(description="The error's code, where it failed.")


class RunPage(Page[Run]):
    """A page of a job's runs."""


class Job(Shape):
    name: JobName
    description: str = Field(description="What it does, for a person.")
    every_seconds: int = Field(description="How often it is due, in seconds.")
    last_run: Run | None = Field(description="The latest, of whatever status; null before the first.")
    last_success_at: datetime | None = Field(description="When it last ended well, in UTC.")
    failures_in_a_row: int = Field(description="How many runs failed since it last ended well.")


class JobList(Page[Job]):
    """One page: all of them."""
