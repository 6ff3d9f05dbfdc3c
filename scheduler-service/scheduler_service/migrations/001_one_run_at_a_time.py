"""No job runs beside itself: of runs that are RUNNING at once, all but a job's newest are ended as lost.

Workers that died left them behind, and the unique index over the running ones could not be made. Going back there is
nothing to do: such a run is over for the version before, too.
"""

from pymongo import DESCENDING
from pymongo.database import Database

from chassis.migrations import update_in_batches
from chassis.mongo import Document


def forward(db: Database[Document]) -> None:
    runs = db["runs"]
    for job in runs.distinct("job", {"status": "RUNNING"}):
        newest = runs.find_one({"job": job, "status": "RUNNING"}, sort=[("queuedAt", DESCENDING)])
        if newest:
            others = {"job": job, "status": "RUNNING", "_id": {"$ne": newest["_id"]}}
            lost = {"status": "FAILED", "error": "RUN_LOST", "claim": None, "finishedAt": "$$NOW"}
            update_in_batches(runs, others, [{"$set": lost}, {"$unset": "leaseUntil"}])


def back(_: Database[Document]) -> None:
    pass
