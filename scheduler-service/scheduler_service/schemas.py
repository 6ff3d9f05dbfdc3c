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


Service = Annotated[str, Field(description="Its folder's name, such as user-service.")]
State = Literal["ok", "away"]


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


class Outbox(Shape):
    """What a service has done and not announced yet."""

    documents: int = Field(description="How many hold news that is to be published; 1,000 stands for more.")
    oldest_at: datetime | None = Field(description="When the longest waiting was made, in UTC; null where none waits.")


class Queues(Shape):
    """What others announced, and a service has not done yet."""

    waiting: int = Field(description="Messages that wait for its consumer.")
    retrying: int = Field(description="Messages whose handling failed, and which come again.")
    dead_letters: int = Field(description="Messages that it could not handle: `GET /admin/dead-letters`.")


class Part(Shape):
    """What of a service is behind its web process."""

    service: Service
    consumer: State = Field(description="Whether its consumer answered now.")
    relay: State | None = Field(description="Whether a relay is at work; null where the consumer could not tell.")
    outbox: Outbox | None = Field(description="Null where the consumer could not tell.")
    queues: Queues


class PartList(Page[Part]):
    """One page: all of them."""


class LetterGroup(Shape):
    """Dead letters of one service with the same origin and reason."""

    queue: str | None = Field(description="Where they came from; null where nothing tells.")
    reason: str = Field(description="Why they could not be handled, without anything of theirs.")
    count: int = Field(description="How many, of those that were looked at.")
    oldest_at: datetime | None = Field(description="Since when the oldest is dead, in UTC; null where nothing tells.")


class DeadLetters(Shape):
    service: Service
    count: int = Field(description="How many in all.")
    groups: list[LetterGroup] = Field(description="Of the first hundred: most first.")


class DeadLetterList(Page[DeadLetters]):
    """One page: all services that have any."""
