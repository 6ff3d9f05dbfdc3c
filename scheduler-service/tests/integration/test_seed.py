"""Of made-up appointments only those to come have reminders, and no mail is written."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from chassis.clock import instant_text, new_id, now
from chassis.seeding import Plan
from devkit.testing import write_plan
from scheduler_service.bootstrap import Built
from scheduler_service.seed import take


def appointment(hours: float, status: str) -> dict[str, Any]:
    return {
        "appointmentId": new_id(),
        "doctorId": new_id(),
        "patientId": new_id(),
        "start": instant_text(now() + timedelta(hours=hours)),
        "timezone": "Asia/Kolkata",
        "status": status,
        "version": 2,
    }


def test_only_what_is_to_come_is_reminded_of_and_no_mail_is_written(built: Built, tmp_path: Path) -> None:
    soon, far = appointment(5, "BOOKED"), appointment(72, "BOOKED")
    others = [appointment(-30, "BOOKED"), appointment(-72, "COMPLETED"), appointment(72, "CANCELLED")]
    plan = Plan(write_plan(tmp_path / "plan", appointments=[soon, far, *others, appointment(72, "REQUESTED")]))
    assert take(built, plan) == {"reminders": 3}
    kept = built.database["reminders"].find({}, {"appointmentId": 1, "minutes": 1})
    assert sorted((one["appointmentId"], one["minutes"]) for one in kept) == sorted(
        [(soon["appointmentId"], 60), (far["appointmentId"], 60), (far["appointmentId"], 1440)]
    )
    assert built.reminders.send_due(lambda: True) == {}
    assert built.database["mails"].count_documents({}) == 0
