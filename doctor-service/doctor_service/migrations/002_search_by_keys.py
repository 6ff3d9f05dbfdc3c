"""Search goes by keys: the indexes that it went by are dropped, the doctors get their keys as the service starts.

Not here, for the version before may go on writing doctors without keys until its last process has ended.
"""

from pymongo.database import Database

from chassis.mongo import Document

_BEFORE = ("listed_of_specialty", "listed_of_city", "listed_of_languages", "listed_with_word")
_AFTER = tuple(f"listed_keys_by_{order}" for order in ("rating", "name", "experience", "fee"))


def forward(db: Database[Document]) -> None:
    """Drop what no search reads any more."""
    _drop(db, _BEFORE)


def back(db: Database[Document]) -> None:
    """Drop the indexes of keys, and the fields that the version before does not know; it makes its own indexes."""
    _drop(db, _AFTER)
    db["doctors"].update_many({}, {"$unset": {"search.keys": "", "nextAvailable": ""}})


def _drop(db: Database[Document], names: tuple[str, ...]) -> None:
    if "doctors" in db.list_collection_names():
        for name in db["doctors"].index_information().keys() & set(names):
            db["doctors"].drop_index(name)
