"""Made-up reviews with the ratings that they add up to, and the visits they are of (chassis.seeding)."""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import partial

from chassis import logs
from chassis.mongo import Document
from chassis.seeding import Plan, add, instant, main
from review_service import events, store
from review_service.bootstrap import Built, build
from review_service.config import Config
from review_service.domain import listed
from review_service.service.reviews import new_review

_ENDED = {"COMPLETED": "completedVersion", "NO_SHOW": "noShowVersion"}


def take(built: Built, plan: Plan) -> Mapping[str, int]:
    reviewed = {line["appointmentId"]: instant(line["at"]) for line in plan.lines("reviews")}
    return {
        "standings": add(built.database[store.DOCTORS], map(_doctor, plan.lines("doctors"))),
        "visits": add(built.database[store.VISITS], _visits(plan, reviewed)),
        "reviews": add(built.database[store.REVIEWS], map(_review, plan.lines("reviews"))),
        "ratings": add(built.database[store.RATINGS], _ratings(plan)),
    }


def _doctor(line: Document) -> Document:
    told = events.DoctorUpdated.model_validate(line)
    shown = listed(moderation_status=told.moderation_status, visible=told.visible, active=told.active)
    return {"_id": told.doctor_id, "listed": shown, "version": told.version}


def _visits(plan: Plan, reviewed: Mapping[str, object]) -> Iterator[Document]:
    for line in plan.lines("appointments"):
        if ended := _ENDED.get(line["status"]):
            told = events.AppointmentEnded.model_validate(line)
            visit = {"_id": told.appointment_id, "doctorId": told.doctor_id, "patientId": told.patient_id}
            mark = {"reviewedAt": reviewed[told.appointment_id]} if told.appointment_id in reviewed else {}
            yield {**visit, ended: told.version, **mark}


def _review(line: Document) -> Document:
    posted = new_review(
        line["reviewId"],
        line["appointmentId"],
        line["patientId"],
        line["patientName"],
        line["rating"],
        line["comment"],
        instant(line["at"]),
    )
    review = {**posted, "doctorId": line["doctorId"], "outbox": []}
    if line["reply"]:
        review |= {"reply": {**line["reply"], "at": instant(line["reply"]["at"])}, "version": review["version"] + 1}
    if line["reports"]:
        reports = [{**report, "at": instant(report["at"])} for report in line["reports"]]
        review |= {"reports": reports, "reported": True}
    return review


def _ratings(plan: Plan) -> Iterator[Document]:
    stars: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for line in plan.lines("reviews"):
        stars[line["doctorId"]][line["rating"]] += 1
    for doctor_id, counts in stars.items():
        count = counts.total()
        yield {
            "_id": doctor_id,
            "count": count,
            "sum": sum(rating * times for rating, times in counts.items()),
            "histogram": {str(rating): times for rating, times in sorted(counts.items())},
            "version": count,
        }


if __name__ == "__main__":
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "seed", config.log_level)
    raise SystemExit(main(config, partial(build, config), take, sys.argv[1:]))
