"""The same queries and the same JSON as a bare Flask view: no gateway, token, shape, envelope check, log or metric.

Run by gunicorn in appointment-service's environment: DOCTORS_URI, APPOINTMENTS_URI.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from flask import Flask, Response, request
from pymongo import MongoClient

from appointment_service.domain.calendar import Calendar
from appointment_service.domain.slots import free, offered

app = Flask(__name__)
doctors: Any = MongoClient(os.environ["DOCTORS_URI"], tz_aware=True).get_default_database()["doctors"]
appointments: Any = MongoClient(os.environ["APPOINTMENTS_URI"], tz_aware=True).get_default_database()
_CARD = {"outbox": 0, "overrides": 0, "availability": 0, "search": 0, "moderationHistory": 0}


def _json(data: object) -> Response:
    return Response(orjson.dumps({"success": True, "message": "OK", "data": data}), content_type="application/json")


@app.get("/search")
def search() -> Response:
    order = [("rating.average", -1), ("rating.count", -1), ("_id", 1)]
    found = doctors.find({"listed": True}, _CARD).sort(order).hint("listed_by_rating").limit(20)
    return _json({"items": list(found), "nextCursor": None})


@app.get("/slots/<doctor_id>")
def slots(doctor_id: str) -> Response:
    now = datetime.now(UTC)
    doctor = appointments["calendars"].find_one({"_id": doctor_id})
    calendar = Calendar.from_dict(doctor["calendar"])
    first = datetime.fromisoformat(request.args["from"]).date()
    last = datetime.fromisoformat(request.args["to"]).date()
    found = offered(calendar, first, last, now)
    begin, end = found[0].start, found[-1].end
    held = {"doctorId": doctor_id, "start": {"$gt": begin - timedelta(days=1), "$lt": end}, "end": {"$gt": begin}}
    taken = appointments["appointments"].find(
        {**held, "claims": {"$exists": True}}, {"_id": 0, "start": 1, "end": 1}, hint="of_doctor"
    )
    items = [
        {"start": s.start, "end": s.end}
        for s in free(found, ((t["start"], t["end"]) for t in taken.sort([("start", 1), ("_id", 1)])))
    ]
    return _json({"doctorId": doctor_id, "timezone": calendar.timezone, "items": items})
