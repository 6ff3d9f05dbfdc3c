"""Search goes by keys: the indexes that it went by are dropped. The keys themselves are the next migration's."""

from pymongo.database import Database

from chassis.mongo import Document

_BEFORE = ("listed_of_specialty", "listed_of_city", "listed_of_languages", "listed_with_word")
_AFTER = tuple(f"listed_keys_by_{order}" for order in ("rating", "name", "experience", "fee"))


def forward(db: Database[Document]) -> None:
    """Drop what no search reads any more; one of the version before is right without, and slower."""
    _drop(db, _BEFORE)


def back(db: Database[Document]) -> None:
    """Drop the indexes of keys; the version before makes its own, and passes over fields that it does not know."""
    _drop(db, _AFTER)


def _drop(db: Database[Document], names: tuple[str, ...]) -> None:
    if "doctors" in db.list_collection_names():
        for name in db["doctors"].index_information().keys() & set(names):
            db["doctors"].drop_index(name)
