"""verifications: {_id: userId}: addresses that were verified before their user was known here."""

from pymongo.client_session import ClientSession

from chassis.mongo import Database

COLLECTION = "verifications"


class Verifications:
    """What is to be remembered until the user is made: order between events is not promised."""

    def __init__(self, database: Database) -> None:
        self._verifications = database[COLLECTION]

    def keep(self, user_id: str, session: ClientSession) -> None:
        self._verifications.update_one({"_id": user_id}, {"$setOnInsert": {}}, upsert=True, session=session)

    def take(self, user_id: str, session: ClientSession) -> bool:
        """Whether one was kept; it is not any more."""
        return self._verifications.delete_one({"_id": user_id}, session=session).deleted_count == 1
