"""The collections and their indexes."""

from pymongo import ASCENDING, IndexModel

from appointment_service.domain.appointment import Status
from appointment_service.domain.waitlist import OPEN, Place
from chassis import inbox, outbox, tombstones

APPOINTMENTS = "appointments"
CALENDARS = "calendars"
WAITLIST = "waitlist"
REQUESTS = "requests"
FEEDS = "feeds"
CAPACITY = "capacity"
OUTBOXES = (APPOINTMENTS, CALENDARS, WAITLIST, tombstones.COLLECTION)

BY_START = [("start", ASCENDING), ("_id", ASCENDING)]
BY_JOINING = [("createdAt", ASCENDING), ("_id", ASCENDING)]
FALL_DUE = [Status.BOOKED, Status.CHECKED_IN]

INDEXES = {
    APPOINTMENTS: [
        IndexModel(
            [("claims", ASCENDING)],
            name="claims_unique",
            unique=True,
            partialFilterExpression={"claims": {"$exists": True}},
        ),
        IndexModel([("doctorId", ASCENDING), *BY_START], name="of_doctor"),
        IndexModel([("patientId", ASCENDING), *BY_START], name="of_patient"),
        IndexModel(BY_START, name="by_start"),
        IndexModel([("status", ASCENDING), *BY_START], name="by_status"),
        IndexModel([("end", ASCENDING)], name="due", partialFilterExpression={"status": {"$in": FALL_DUE}}),
        IndexModel([("lapsesAt", ASCENDING)], name="lapses", sparse=True),
        # with all that figures are made of, so that no document is read for them
        IndexModel(
            [(name, ASCENDING) for name in ("day", "doctorId", "specialty", "status", "start", "end")], name="by_day"
        ),
        outbox.INDEX,
    ],
    CALENDARS: [
        IndexModel([("sweepAt", ASCENDING)], name="sweep", sparse=True),
        IndexModel([("lookAt", ASCENDING)], name="look", sparse=True),
        IndexModel([("capacityAt", ASCENDING)], name="capacity", sparse=True),
        outbox.INDEX,
    ],
    CAPACITY: [
        # of somebody erased there may be several of one day
        IndexModel(
            [("doctorId", ASCENDING), ("day", ASCENDING)],
            name="of_doctor",
            unique=True,
            partialFilterExpression={"doctorId": {"$gt": ""}},
        ),
        IndexModel([(name, ASCENDING) for name in ("day", "doctorId", "specialty", "minutes")], name="by_day"),
    ],
    WAITLIST: [
        IndexModel(
            [("doctorId", ASCENDING), ("patientId", ASCENDING)],
            name="one_open_place",
            unique=True,
            partialFilterExpression={"status": {"$in": list(OPEN)}},
        ),
        IndexModel(
            [("doctorId", ASCENDING), ("status", ASCENDING), *BY_JOINING, ("from", ASCENDING), ("to", ASCENDING)],
            name="line",
        ),
        IndexModel([("patientId", ASCENDING), *BY_JOINING], name="of_patient"),
        IndexModel([("offer.expiresAt", ASCENDING)], name="offers", partialFilterExpression={"status": Place.OFFERED}),
        IndexModel([("overAt", ASCENDING)], name="over"),
        outbox.INDEX,
    ],
    REQUESTS: [
        IndexModel([("expiresAt", ASCENDING)], name="expire", expireAfterSeconds=0),
        IndexModel([("people", ASCENDING)], name="of_people"),
    ],
    FEEDS: [IndexModel([("secret", ASCENDING)], name="secret", unique=True)],
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}
