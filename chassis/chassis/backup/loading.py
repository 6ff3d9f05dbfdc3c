"""Loading: databases put in the place of what is there, checked before and after."""

import gzip
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from chassis.backup import folder as files
from chassis.backup.folder import BackupError, Manifest
from chassis.mongo import Document

_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_BATCH = 500


def load(client: MongoClient[Document], folder: Path, *, replace: bool = False) -> Manifest:
    """Put a backup's databases in the place of those of the same names; its manifest.

    Nothing is touched unless the backup is whole, nor, without ``replace``, where one of the databases holds anything.
    Of documents all or an error: it ends when counts and indexes were found to be as they were. A load that was cut
    off leaves a part of the backup: load again. Raises BackupError.
    """
    manifest = files.read_manifest(folder)
    databases: dict[str, Any] = manifest["databases"]
    occupied = [name for name in databases if client[name].list_collection_names()]
    if occupied and not replace:
        raise BackupError(f"there is something in {', '.join(occupied)} already, which would be lost")
    for name in occupied:
        client.drop_database(name)
    for name, collections in databases.items():
        for collection, entry in collections.items():
            client[name].command({"create": collection, **files.from_json(entry["options"])}, **_majority(client))
            _insert(client, name, collection, entry, folder)
    # afterwards: an index is made faster over what is there, and one with a time to live would delete meanwhile
    for name, collections in databases.items():
        for collection, entry in collections.items():
            _make_indexes(client, name, collection, entry)
    return manifest


def _insert(client: MongoClient[Document], name: str, collection: str, entry: Document, folder: Path) -> None:
    target = client[name].get_collection(collection, codec_options=_RAW)
    with gzip.open(folder / entry["file"]) as source:
        documents: Iterator[RawBSONDocument] = bson.decode_file_iter(cast(IO[bytes], source), _RAW)
        while batch := list(islice(documents, _BATCH)):
            target.insert_many(batch, bypass_document_validation=True)
    loaded = target.count_documents({})
    if loaded != entry["documents"]:
        raise BackupError(f"{name}.{collection} has {loaded} documents and should have {entry['documents']}")


def _make_indexes(client: MongoClient[Document], name: str, collection: str, entry: Document) -> None:
    wanted = [index for index in files.from_json(entry["indexes"]) if index["name"] != "_id_"]
    if wanted:
        try:
            client[name].command({"createIndexes": collection, "indexes": wanted}, **_majority(client))
        except OperationFailure as error:
            # the message of a duplicate key shows the value
            raise BackupError(f"the indexes of {name}.{collection} can't be made: code {error.code}") from None
    made = sorted((dict(index) for index in client[name][collection].list_indexes()), key=lambda it: str(it["name"]))
    if files.as_json(made) != entry["indexes"]:
        raise BackupError(f"the indexes of {name}.{collection} are not what they were")


def _majority(client: MongoClient[Document]) -> Document:
    """Commands take no write concern of the client's by themselves."""
    return {"writeConcern": client.write_concern.document}
