"""Suspension and closure of accounts; how often an erasure was announced.

Forward: every user gets ``suspension`` (null) and ``closedAt``: null while ACTIVE, else the instant of the request to
delete. Every erasure gets ``announcements``, ``announcedAt`` and ``version``. What is there stays.

Back: the fields go, for what they say can be told from the others. Only users who are SUSPENDED keep theirs: without
them nobody could tell any more why, by whom and since when.
"""

from pymongo.database import Database

from chassis.mongo import Document

LAST_VERSION = 2**31 - 1
"""Of users who were erased before their version was kept: newer than whatever was announced of them."""


def forward(db: Database[Document]) -> None:
    closed_at = {"$ifNull": ["$deletion.requestedAt", "$updatedAt"]}
    db["users"].update_many(
        {"$or": [{"closedAt": {"$exists": False}}, {"suspension": {"$exists": False}}]},
        [
            {
                "$set": {
                    "suspension": {"$ifNull": ["$suspension", None]},
                    "closedAt": {
                        "$ifNull": ["$closedAt", {"$cond": [{"$eq": ["$status", "ACTIVE"]}, None, closed_at]}]
                    },
                }
            }
        ],
    )
    db["erasures"].update_many(
        {"announcements": {"$exists": False}},
        [
            {
                "$set": {
                    "announcements": 1,
                    "announcedAt": "$startedAt",
                    "version": {"$ifNull": ["$version", LAST_VERSION]},
                }
            }
        ],
    )


def back(db: Database[Document]) -> None:
    db["users"].update_many({"status": {"$ne": "SUSPENDED"}}, {"$unset": {"suspension": "", "closedAt": ""}})
    db["erasures"].update_many({}, {"$unset": {"announcements": "", "announcedAt": "", "version": ""}})
