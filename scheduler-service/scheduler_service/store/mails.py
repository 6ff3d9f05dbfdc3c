"""Outgoing mail."""

from collections.abc import Sequence
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession

from chassis.mongo import Database, Document
from scheduler_service.domain import LEASE, MAILS_KEPT, MailStatus, Template
from scheduler_service.store.indexes import MAILS

_MOST_COUNTED = 10_000
_MOST_LOOKED_AT = 1_000


class Mails:
    """The only place that talks to the ``mails`` collection."""

    def __init__(self, database: Database) -> None:
        self._mails = database[MAILS]

    def add(self, mails: Sequence[Document], session: ClientSession) -> None:
        """Add those that are not there: a second insert would end the transaction."""
        added = [
            UpdateOne(
                {"_id": mail["_id"]},
                {"$setOnInsert": {key: value for key, value in mail.items() if key != "_id"}},
                upsert=True,
            )
            for mail in mails
        ]
        if added:
            self._mails.bulk_write(added, session=session)

    def knows_newer(self, appointment_id: str, version: int, session: ClientSession) -> bool:
        """Whether somebody was told of a later state of the appointment."""
        query = {"appointmentId": appointment_id, "version": {"$gt": version}}
        return self._mails.find_one(query, {"_id": 1}, session=session) is not None

    def unsent_move(self, appointment_id: str, user_id: str, version: int, session: ClientSession) -> Document | None:
        """The newest mail older than ``version`` that tells a person of a move, if it was not sent yet."""
        return self._mails.find_one(
            {
                "appointmentId": appointment_id,
                "version": {"$lt": version},
                "userId": user_id,
                "template": Template.RESCHEDULED,
                "nextAttemptAt": {"$exists": True},
            },
            sort=[("version", DESCENDING)],
            # a person's mails, or those that are due, are many more than an appointment's
            hint="of_appointment",
            session=session,
        )

    def of_person(self, user_id: str) -> list[Document]:
        """A person's mails, oldest first."""
        return sorted(self._mails.find({"userId": user_id}), key=lambda mail: (mail["createdAt"], mail["_id"]))

    def erase_person(self, user_id: str, session: ClientSession) -> None:
        self._mails.delete_many({"userId": user_id}, session=session)

    def claim_due(self, claim: str, now: datetime) -> Document | None:
        """Take the mail that is due for longest; one conditional update, so two senders never have the same."""
        return self._mails.find_one_and_update(
            {"nextAttemptAt": {"$lte": now}},
            {
                "$set": {"status": MailStatus.SENDING, "nextAttemptAt": now + LEASE, "claim": claim},
                "$inc": {"attempts": 1},
            },
            sort=[("nextAttemptAt", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )

    def waiting(self) -> tuple[int, datetime | None]:
        """How many are to be sent, up to 10,000, and since when the oldest of the first thousand has waited."""
        to_send = {"nextAttemptAt": {"$exists": True}}
        count = self._mails.count_documents(to_send, hint="due", limit=_MOST_COUNTED)
        first = self._mails.find(to_send, {"createdAt": 1}).hint("due").limit(_MOST_LOOKED_AT)
        return count, min((mail["createdAt"] for mail in first), default=None)

    def sent(self, mail: Document, now: datetime) -> None:
        self._end(mail, MailStatus.SENT, now, {"sentAt": now, "error": None})

    def end(self, mail: Document, status: MailStatus, now: datetime, error: str) -> None:
        """Never try this mail again."""
        self._end(mail, status, now, {"error": error})

    def put_off(self, mail: Document, until: datetime, error: str | None, *, counted: bool) -> None:
        """Try again then; an attempt that was no fault of the mail's is not counted."""
        self._mails.update_one(
            {"_id": mail["_id"], "claim": mail["claim"]},
            {
                "$set": {"status": MailStatus.PENDING, "nextAttemptAt": until, "error": error, "claim": None},
                "$inc": {"attempts": 0 if counted else -1},
            },
        )

    def _end(self, mail: Document, status: MailStatus, now: datetime, fields: Document) -> None:
        self._mails.update_one(
            {"_id": mail["_id"], "claim": mail["claim"]},
            {
                "$set": {"status": status, "claim": None, "keepUntil": now + MAILS_KEPT, **fields},
                "$unset": {"nextAttemptAt": ""},
            },
        )
