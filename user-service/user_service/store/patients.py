"""patients: {_id: userId, dateOfBirth, sex, bloodGroup, allergies, conditions, medications, emergencyContact,
insurance, createdAt, updatedAt, version}

dateOfBirth: as ``YYYY-MM-DD``; emergencyContact: null or {name, phone, relation}; insurance: null or
{provider, policyNumber}. Asked for by id alone.
"""

from datetime import datetime

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from chassis.export import told
from chassis.mongo import Database, Document, update_and_read

COLLECTION = "patients"


class Patients:
    """The clinical records: they announce nothing, and no other collection holds a part of them."""

    def __init__(self, database: Database) -> None:
        self._patients = database[COLLECTION]

    def get(self, user_id: str) -> Document | None:
        return self._patients.find_one({"_id": user_id})

    def replace(
        self, user_id: str, record: Document, version: int | None, at: datetime, session: ClientSession
    ) -> Document | None:
        """Write the record whole, as the next version of ``version`` (0: there is none yet; None: whatever is there).

        None if that is not the current version.
        """
        wanted = {"_id": user_id} if version is None else {"_id": user_id, "version": version}
        try:
            return update_and_read(
                self._patients,
                wanted,
                {"$set": {**record, "updatedAt": at}, "$setOnInsert": {"createdAt": at}, "$inc": {"version": 1}},
                upsert=not version,
                session=session,
            )
        except DuplicateKeyError:
            # the first version is there already
            return None

    def erase(self, user_id: str, session: ClientSession) -> None:
        self._patients.delete_one({"_id": user_id}, session=session)

    def export(self, user_id: str) -> Document | None:
        """The record as JSON values, None if there is none."""
        record: Document | None = told(self.get(user_id), "_id")
        return record
