"""scheduler-service's routes: parse, call, render."""

from typing import Any

from chassis.api import ADMIN, Api, identity
from chassis.errors import ServiceUnavailable
from chassis.mongo import Document
from chassis.schemas import PageQuery
from scheduler_service.errors import JobNotFound
from scheduler_service.parts import Parts
from scheduler_service.schemas import DeadLetterList, JobList, JobName, PartList, Run, RunPage
from scheduler_service.service import Jobs


def routes(jobs: Jobs, parts: Parts) -> Api:
    api = Api("jobs")

    @api.get("/admin/jobs", access=ADMIN, returns=JobList)
    def list_jobs() -> dict[str, Any]:
        """Every job, how often it runs, and its last run."""
        items = [{**job, "lastRun": job["lastRun"] and _run(job["lastRun"])} for job in jobs.overview()]
        return {"items": items, "nextCursor": None}

    @api.get("/admin/jobs/<name>/runs", access=ADMIN, returns=RunPage, errors=[JobNotFound])
    def list_runs(name: JobName, query: PageQuery) -> dict[str, Any]:
        """A job's runs, newest first."""
        found = jobs.runs_of(name, query.limit, query.cursor)
        return {**found, "items": [_run(run) for run in found["items"]]}

    @api.post(
        "/admin/jobs/<name>/run",
        access=ADMIN,
        status=202,
        returns=Run,
        errors=[JobNotFound, ServiceUnavailable],
        message="The job will run.",
    )
    def run_job(name: JobName) -> Document:
        """Have a job run now, besides its schedule."""
        return _run(jobs.start(name, identity().user_id))

    @api.get("/admin/health", access=ADMIN, returns=PartList, errors=[ServiceUnavailable], heavy=True)
    def list_parts() -> dict[str, Any]:
        """How each service's consumer and relay are, and what waits for them; `/health/ready` tells of the rest."""
        return {"items": parts.health(), "nextCursor": None}

    @api.get("/admin/dead-letters", access=ADMIN, returns=DeadLetterList, errors=[ServiceUnavailable], heavy=True)
    def list_dead_letters() -> dict[str, Any]:
        """Messages that services could not handle: how many, from where and why; none of what they hold."""
        return {"items": parts.dead_letters(), "nextCursor": None}

    return api


def _run(document: Document) -> Document:
    shown = ("job", "status", "trigger", "requestedBy", "queuedAt", "startedAt", "finishedAt", "result", "error")
    return {"id": document["_id"], **{key: document[key] for key in shown}}
