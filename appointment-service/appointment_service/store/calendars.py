"""The calendars' collection: what is held of doctors, and of everybody's account."""

from collections.abc import Sequence
from datetime import datetime

from pymongo import ASCENDING
from pymongo.client_session import ClientSession

from appointment_service.store.indexes import CALENDARS
from chassis.mongo import Database, Document


class CalendarStore:
    """The only place that talks to the calendars' collection."""

    def __init__(self, database: Database) -> None:
        self._calendars = database[CALENDARS]

    def calendar(self, doctor_id: str, session: ClientSession | None = None) -> Document | None:
        return self._calendars.find_one({"_id": doctor_id}, session=session)

    def calendars(self, user_ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Document]:
        """{userId: what is held of that doctor's calendar, or of that user's account}."""
        wanted = {"_id": {"$in": list(user_ids)}}
        return {found["_id"]: found for found in self._calendars.find(wanted, session=session)}

    def put_calendar(self, doctor_id: str, version: int, facts: Document, session: ClientSession) -> bool:
        """Set what doctor-service tells; False if something newer is held."""
        unheard = {"accountActive": True, "accountVersion": 0}
        return self._put(doctor_id, "version", version, facts, unheard, session)

    def put_account(self, user_id: str, active: bool, version: int, session: ClientSession) -> bool:
        """Set what user-service tells; False if something newer is held. An open one is not swept."""
        gone = ["sweepAt"] if active else []
        return self._put(user_id, "accountVersion", version, {"accountActive": active}, {"version": 0}, session, gone)

    def put_email_verified(self, user_id: str, session: ClientSession) -> None:
        """Note that the address is verified: once it is, it stays so."""
        unheard = {"accountActive": True, "accountVersion": 0, "version": 0}
        update = {"$set": {"emailVerified": True}, "$setOnInsert": unheard}
        self._calendars.update_one({"_id": user_id}, update, upsert=True, session=session)

    def look_again(self, user_id: str, at: datetime, session: ClientSession) -> None:
        """Note that this closed account is to be swept then."""
        self._calendars.update_one({"_id": user_id}, {"$set": {"sweepAt": at}}, session=session)

    def to_look_at(self, now: datetime, limit: int) -> list[str]:
        """Accounts that are to be swept by now, longest due first."""
        found = self._calendars.find({"sweepAt": {"$lte": now}}, {"_id": 1}, hint="sweep", limit=limit)
        return [account["_id"] for account in found.sort("sweepAt", ASCENDING)]

    def take_note(self, user_id: str, now: datetime, session: ClientSession) -> Document | None:
        """What is held of an account that is to be swept by now, its note removed; None if there is none any more."""
        due = {"_id": user_id, "sweepAt": {"$lte": now}}
        return self._calendars.find_one_and_update(due, {"$unset": {"sweepAt": ""}}, session=session)

    def erase(self, user_id: str, version: int, session: ClientSession) -> None:
        """Delete a calendar; what stays is that the account of this id is closed.

        It stays because every writer of the calendar writes this document: a ``doctor-updated`` that races an
        erasure conflicts with it and is handled again, where a deletion would let it bring the calendar back.
        """
        closed = {"accountActive": False, "accountVersion": version, "version": 0}
        self._calendars.replace_one({"_id": user_id}, closed, upsert=True, session=session)

    def _put(
        self,
        key: str,
        name: str,
        version: int,
        facts: Document,
        unheard: Document,
        session: ClientSession,
        gone: Sequence[str] = (),
    ) -> bool:
        # Looked at first, since a refused upsert would end the transaction. That is no race: of two transactions
        # that write one document the second fails and is repeated.
        held = self._calendars.find_one({"_id": key}, {name: 1}, session=session)
        if held and held[name] >= version:
            return False
        update = {"$set": {**facts, name: version}, "$setOnInsert": unheard, "$unset": dict.fromkeys(gone, "")}
        self._calendars.update_one({"_id": key}, update, upsert=True, session=session)
        return True
