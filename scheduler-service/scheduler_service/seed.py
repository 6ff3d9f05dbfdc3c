"""Reminders of made-up appointments (chassis.seeding): only of those to come, and no mail of what is past."""

import sys
from collections.abc import Iterator, Mapping
from functools import partial

from chassis import logs
from chassis.mongo import Document
from chassis.seeding import Plan, add, main
from scheduler_service import events
from scheduler_service.bootstrap import Built, build
from scheduler_service.config import Config
from scheduler_service.store.indexes import REMINDERS

_RESERVED = "BOOKED"


def take(built: Built, plan: Plan) -> Mapping[str, int]:
    return {"reminders": add(built.database[REMINDERS], _reminders(built, plan))}


def _reminders(built: Built, plan: Plan) -> Iterator[Document]:
    for line in plan.lines("appointments"):
        if line["status"] == _RESERVED:
            told = events.AppointmentChanged.model_validate({**line, "by": "system"})
            yield from built.reminders.made(told, {told.patient_id, told.doctor_id})


if __name__ == "__main__":
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "seed", config.log_level)
    raise SystemExit(main(config, partial(build, config), take, sys.argv[1:]))
