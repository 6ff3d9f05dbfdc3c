"""The declared indexes against those that a database has."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import bson
from bson.codec_options import CodecOptions
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError, OperationFailure

from chassis.mongo import Database, Document, collided_index

Indexes = Mapping[str, Sequence[IndexModel]]

_OPTIONS = ("unique", "sparse", "expireAfterSeconds", "partialFilterExpression")
_CONFLICTS = {85, 86}  # IndexOptionsConflict, IndexKeySpecsConflict


class IndexRefused(Exception):
    """The database does not make a declared index; the message names it, and no document's values."""


def make(database: Database, indexes: Indexes) -> None:
    """Make what is missing. Writes go on while an index is built (MongoDB 4.4 and newer). Raises IndexRefused."""
    for collection, models in indexes.items():
        if not models:
            continue
        try:
            # by default every member of the set is waited for, one that is away too
            database[collection].create_indexes(list(models), commitQuorum="majority")
        except DuplicateKeyError as error:
            index = collided_index(error)
            raise IndexRefused(f"{collection}.{index}: documents share a key of this unique index") from None
        except OperationFailure as error:
            if error.code not in _CONFLICTS:
                raise
            raise IndexRefused(
                f"{collection}: an index is there by this name or key, and otherwise: {error.details}. A changed "
                "index gets a new name, and a migration drops the old one"
            ) from None


def missing(database: Database, indexes: Indexes) -> list[str]:
    """``collection.index`` of what is declared and not there as declared."""
    present = _present(database, indexes)
    return [
        f"{collection}.{name}"
        for collection, name, declared in _declared(indexes)
        if declared != present.get(collection, {}).get(name)
    ]


def undeclared(database: Database, indexes: Indexes) -> list[str]:
    """``collection.index`` of what is there in a declared collection and not declared: left by another version."""
    known = {(collection, name) for collection, name, _ in _declared(indexes)}
    return sorted(
        f"{collection}.{name}"
        for collection, made in _present(database, indexes).items()
        for name in made
        if name != "_id_" and (collection, name) not in known
    )


def _declared(indexes: Indexes) -> Iterator[tuple[str, str, Document]]:
    for collection, models in indexes.items():
        for model in models:
            yield collection, model.document["name"], _definition(model.document)


def _present(database: Database, indexes: Indexes) -> dict[str, dict[str, Document]]:
    return {
        collection: {index["name"]: _definition(index) for index in database[collection].list_indexes()}
        for collection in set(database.db.list_collection_names()).intersection(indexes)
    }


def _definition(index: Mapping[str, Any]) -> Document:
    """What makes an index that index: its key in its order, and the options that decide what it holds."""
    options = {name: index[name] for name in _OPTIONS if index.get(name) not in (None, False)}
    # the driver reads an index's instants without their zone
    options = bson.decode(bson.encode(options), CodecOptions(tz_aware=True))
    return {"key": list(index["key"].items()), **options}
