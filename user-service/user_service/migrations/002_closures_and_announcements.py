"""Suspension and closure of accounts; how often an erasure was announced.

Forward: every user gets ``suspension`` (null) and ``closedAt``: null while ACTIVE, else the instant of the request to
delete; also users whom an older process has deleted or recovered since. Every erasure gets ``announcements``,
``announcedAt`` and ``version``. What is there stays.

Back: the fields go from users who are not SUSPENDED, for what they say can be told from the others. Those who are keep
theirs: without them nobody could tell any more why, by whom and since when. Erasures keep theirs, which the version
before passes over: the version of somebody erased can't be told again.
"""

from pymongo.database import Database

from chassis.migrations import update_in_batches
from chassis.mongo import Document

LAST_VERSION = 2**31 - 1
"""Of users who were erased before their version was kept: newer than whatever was announced of them."""


def forward(db: Database[Document]) -> None:
    closed_at = {"$ifNull": ["$closedAt", "$deletion.requestedAt", "$updatedAt"]}
    wrong = [
        {"closedAt": {"$exists": False}},
        {"suspension": {"$exists": False}},
        {"closedAt": None, "status": {"$ne": "ACTIVE"}},
        {"closedAt": {"$ne": None}, "status": "ACTIVE"},
    ]
    right = {
        "suspension": {"$ifNull": ["$suspension", None]},
        "closedAt": {"$cond": [{"$eq": ["$status", "ACTIVE"]}, None, closed_at]},
    }
    update_in_batches(db["users"], {"$or": wrong}, [{"$set": right}])
    first = {"announcements": 1, "announcedAt": "$startedAt", "version": {"$ifNull": ["$version", LAST_VERSION]}}
    update_in_batches(db["erasures"], {"announcements": {"$exists": False}}, [{"$set": first}])


def back(db: Database[Document]) -> None:
    fields = ("suspension", "closedAt")
    there = {"$or": [{field: {"$exists": True}} for field in fields], "status": {"$ne": "SUSPENDED"}}
    update_in_batches(db["users"], there, {"$unset": dict.fromkeys(fields, "")})
