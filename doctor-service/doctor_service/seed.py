"""Made-up doctors, and who follows them (chassis.seeding). Ratings and free slots are others' to tell."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial

from chassis import logs
from chassis.mongo import Document
from chassis.seeding import Plan, add, instant, main
from doctor_service import events, store
from doctor_service.bootstrap import Built, build
from doctor_service.config import Config
from doctor_service.domain import Step, derived, moderated, window_problems
from doctor_service.schemas.profiles import ProfileBody
from doctor_service.service.doctors import new_doctor
from doctor_service.store.follows import follow

_STEPS = {"APPROVED": Step.APPROVED, "REJECTED": Step.REJECTED}


def take(built: Built, plan: Plan) -> Mapping[str, int]:
    followers = Counter(line["doctorId"] for line in plan.lines("follows"))
    doctors = (_doctor(line, followers[line["doctorId"]]) for line in plan.lines("doctors"))
    return {
        "doctors": add(built.database[store.DOCTORS], doctors),
        "follows": add(built.database[store.FOLLOWS], _follows(plan)),
    }


def _doctor(line: Document, followers: int) -> Document:
    """A doctor as one who sent this profile, was decided on and set these hours; what can't be sent is a ValueError."""
    profile = ProfileBody.model_validate(line["profile"]).fields()
    doctor = new_doctor(line["doctorId"], line["name"], profile, instant(line["createdAt"]))
    decided = line["decision"]
    if decided:
        at, step = instant(decided["at"]), _STEPS[line["moderationStatus"]]
        doctor |= moderated(doctor, step, at=at, by=decided["by"], reason=decided["reason"])
    availability = {name: value for name, value in line["calendar"].items() if name != "overrides"}
    windows = [("weekly", availability["weekly"])]
    windows += [(f"overrides.{item['date']}", item["windows"]) for item in line["overrides"]]
    if problems := [problem for field, each in windows for problem in window_problems(field, each)]:
        raise ValueError(f"hours of {line['doctorId']}: {problems}")
    doctor |= {
        "availability": availability,
        "overrides": line["overrides"],
        "visible": line["visible"],
        "accepting": line["accepting"],
        "followers": followers,
        "updatedAt": instant(line["updatedAt"]),
        "version": line["version"],
    }
    return {**doctor, **derived(doctor), "outbox": []}


def _follows(plan: Plan) -> Iterator[Document]:
    for line in plan.lines("follows"):
        yield follow(line["patientId"], line["doctorId"], instant(line["at"]))


if __name__ == "__main__":
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "seed", config.log_level)
    raise SystemExit(main(config, partial(build, config), take, sys.argv[1:]))
