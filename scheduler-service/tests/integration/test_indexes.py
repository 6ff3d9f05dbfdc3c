"""With thousands of mails, reminders and runs every question is answered from an index, in its order."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from stand_ins import Mailbox, appointment, peer

from chassis.clock import new_id, now
from devkit.profiling import Visits, assert_indexed, profiled
from devkit.testing import bearer
from scheduler_service import events
from scheduler_service.app import create_app
from scheduler_service.bootstrap import Built
from scheduler_service.domain import JOBS

MANY, OWN, DUE = 3_000, 20, 10
ADMIN = bearer("boss", role="admin")


def contact(user_id: str) -> dict[str, Any]:
    return {"email": f"{user_id}@clinic.example", "name": "Ann", "timezone": None, "status": "ACTIVE"}


@pytest.fixture
def crowd(built: Built) -> Iterator[str]:
    """A person with 20 mails, reminders and runs among 3,000 of others; 10 mails and 10 reminders are due."""
    person, instant = new_id(), now()

    def who(number: int) -> str:
        return person if number < OWN else new_id()

    def when(number: int) -> Any:
        return instant + timedelta(minutes=number - DUE + 0.5)

    mails = [
        {"_id": new_id(), "userId": who(number), "template": "appointment-cancelled", "facts": {}, "createdAt": instant}
        | {"appointmentId": new_id(), "version": 1, "status": "PENDING", "attempts": 0, "nextAttemptAt": when(number)}
        for number in range(MANY)
    ]
    reminders = [
        {"_id": new_id(), "appointmentId": new_id(), "version": 1, "userId": who(number), "doctorId": new_id()}
        | {"minutes": 60, "start": instant + timedelta(days=1), "timezone": "UTC", "dueAt": when(number)}
        | {"expiresAt": instant + timedelta(days=1)}
        for number in range(MANY)
    ]
    runs = [
        {"_id": new_id(), "job": list(JOBS)[number % len(JOBS)], "requestedBy": who(number), "result": None}
        | {"trigger": "manual", "status": "SUCCEEDED", "queuedAt": instant - timedelta(seconds=number // 20)}
        | {"startedAt": instant, "finishedAt": instant, "error": None, "claim": None, "keepUntil": when(number)}
        for number in range(MANY)
    ]
    for name, documents in (("mails", mails), ("reminders", reminders), ("runs", runs)):
        built.database[name].delete_many({})
        built.database[name].insert_many([{**document} for document in documents])
    yield person
    for name in ("mails", "reminders", "runs"):
        built.database[name].delete_many({})
    with built.celery.connection_for_write() as connection:
        built.celery.control.purge(connection)


def test_every_route(built: Built, crowd: str) -> None:
    app = create_app(built)
    app.testing = True
    client, visits = app.test_client(), Visits(app)
    with profiled(built.database) as profile:
        assert client.get("/api/v1/admin/jobs", headers=ADMIN).status_code == 200
        assert_indexed(profile.new(), examined=1)
        cursor = ""
        for _ in range(20):
            path = f"/api/v1/admin/jobs/deliver-mail/runs?limit=20{cursor}"
            page = client.get(path, headers=ADMIN).json["data"]
            assert len(page["items"]) == 20
            cursor = f"&cursor={page['nextCursor']}"
        # runs of one instant are told apart by their ids
        assert_indexed(profile.new(), examined=25)
        assert client.post("/api/v1/admin/jobs/deliver-mail/run", headers=ADMIN).status_code == 202
        assert_indexed(profile.new(), examined=1)
        for asked_of_others in ("health", "dead-letters"):
            assert client.get(f"/api/v1/admin/{asked_of_others}", headers=ADMIN).status_code == 200
        assert profile.new() == []
    assert visits.missing() == set()


def test_every_job(built: Built, crowd: str, amqp_url: str, mailbox: Mailbox) -> None:
    counts = {"some": 1}
    with (
        peer(
            amqp_url,
            "user-service",
            contact=contact,
            **dict.fromkeys(("purge_due_accounts", "reannounce_late_erasures"), lambda limit: counts),
        ),
        peer(
            amqp_url,
            "appointment-service",
            appointment_now=lambda appointment_id, user_id: appointment("BOOKED", 1),
            **dict.fromkeys(("advance_due", "expire_offers"), lambda limit: counts),
        ),
        profiled(built.database) as profile,
    ):
        for job in JOBS:
            if job != "deliver-mail":
                built.jobs.run_scheduled(job)
        assert_indexed(profile.new(), examined=DUE)
        run = built.jobs.start("send-reminders", crowd)
        built.jobs.run_queued(run["_id"])
        built.jobs.run_scheduled("deliver-mail")
        assert_indexed(profile.new(), examined=DUE)
    results = {run["job"]: run["result"] for run in built.database["runs"].find({"trigger": "schedule"})}
    assert results["send-reminders"] == {"queued": DUE}
    assert sum(results["deliver-mail"].values()) == 2 * DUE
    assert results.keys() == JOBS.keys()


def test_every_event_and_an_export(built: Built, crowd: str) -> None:
    def tell(handle: Any, event: Any) -> None:
        built.database.transact(lambda session: handle(event, session))

    about, doctor, start = new_id(), new_id(), now() + timedelta(days=3)
    with profiled(built.database) as profile:
        for version, what in enumerate(
            ("requested", "booked", "rescheduled", "begun_or_missed", "completed", "cancelled"), 1
        ):
            event = events.AppointmentChanged(
                appointment_id=about,
                doctor_id=doctor,
                patient_id=crowd,
                start=start,
                previous_start=start,
                timezone="UTC",
                status="BOOKED",
                version=version,
                by="patient",
            )
            tell(getattr(built.appointments, what), event)
        offer = events.WaitlistOffered(
            entry_id=new_id(), patient_id=crowd, start=start, timezone="UTC", expires_at=start, version=1
        )
        tell(built.post.waitlist_offered, offer)
        tell(built.post.user_registered, events.UserRegistered(user_id=crowd))
        token = events.TokenRequested(user_id=crowd, request_id=new_id())
        tell(built.post.password_reset_requested, token)
        tell(built.post.email_verification_requested, token)
        tell(built.post.password_changed, events.PasswordChanged(user_id=crowd, changed_at=start, by="RESET"))
        assert_indexed(profile.new(), examined=10)
        exported = built.export_user(crowd)
        assert [len(exported[part]) for part in ("mails", "reminders", "runs")] == [OWN + 10, OWN, OWN]
        built.database.transact(lambda session: built.user_deleted(events.UserDeleted(user_id=crowd), session))
        assert_indexed(profile.new(), examined=OWN + 10)
    assert crowd not in repr([list(built.database[name].find()) for name in ("mails", "reminders", "runs", "heard")])
