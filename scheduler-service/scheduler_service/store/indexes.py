"""scheduler-service's documents and indexes.

runs:  {_id, job, trigger, requestedBy, slot?, status, queuedAt, startedAt, finishedAt, result, error,
        claim, leaseUntil?, keepUntil, outbox?}
jobs:  {_id: name, everySeconds, lastSuccessAt, failuresInARow}
mails: {_id, userId, template, facts, appointmentId?, version?, expiresAt?, status, attempts, createdAt,
        cause?: {requestId?, eventId?, traceparent?}, nextAttemptAt?, claim?, sentAt?, error?, keepUntil?}
reminders: {_id: "<appointmentId>:<minutes>", appointmentId, version, userId, doctorId, minutes, start, timezone,
        dueAt, expiresAt}
heard: {_id: appointment's id, version, keepUntil}

``slot`` is there for a scheduled run only, ``leaseUntil`` until a run has ended: that of one that is QUEUED is over
from the start, so that one question finds all that are lost. ``jobs`` outlives the runs that are forgotten.
``nextAttemptAt`` is there as long as a mail is to be sent: while it is SENDING it is the end of the lease. A mail never
holds an address, a name or a token. ``expiresAt`` of a mail or reminder is when it is of no use any more. ``heard`` is
the newest version of each appointment that was announced here, the one document that all news of it writes.
"""

from pymongo import ASCENDING, DESCENDING, IndexModel

from chassis import inbox, outbox, tombstones

RUNS = "runs"
JOBS = "jobs"
MAILS = "mails"
REMINDERS = "reminders"
HEARD = "heard"
OUTBOXES = (tombstones.COLLECTION, RUNS)

INDEXES = {
    RUNS: [
        IndexModel(
            [("job", ASCENDING), ("slot", ASCENDING)],
            name="slot_unique",
            unique=True,
            partialFilterExpression={"slot": {"$exists": True}},
        ),
        # no job runs beside itself
        IndexModel(
            [("job", ASCENDING)], name="one_running", unique=True, partialFilterExpression={"status": "RUNNING"}
        ),
        IndexModel([("job", ASCENDING), ("queuedAt", DESCENDING), ("_id", DESCENDING)], name="of_job"),
        IndexModel(
            [("leaseUntil", ASCENDING)], name="leases", partialFilterExpression={"leaseUntil": {"$exists": True}}
        ),
        IndexModel([("requestedBy", ASCENDING)], name="of_person", partialFilterExpression={"trigger": "manual"}),
        IndexModel([("keepUntil", ASCENDING)], name="retention", expireAfterSeconds=0),
        outbox.INDEX,
    ],
    MAILS: [
        IndexModel(
            [("nextAttemptAt", ASCENDING)], name="due", partialFilterExpression={"nextAttemptAt": {"$exists": True}}
        ),
        IndexModel([("userId", ASCENDING)], name="of_person"),
        IndexModel(
            [("appointmentId", ASCENDING), ("version", ASCENDING)],
            name="of_appointment",
            partialFilterExpression={"appointmentId": {"$exists": True}},
        ),
        IndexModel([("keepUntil", ASCENDING)], name="retention", expireAfterSeconds=0),
    ],
    REMINDERS: [
        IndexModel([("dueAt", ASCENDING)], name="due"),
        IndexModel([("appointmentId", ASCENDING)], name="of_appointment"),
        IndexModel([("userId", ASCENDING)], name="of_person"),
        IndexModel([("doctorId", ASCENDING)], name="of_doctor"),
    ],
    HEARD: [IndexModel([("keepUntil", ASCENDING)], name="retention", expireAfterSeconds=0)],
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}
