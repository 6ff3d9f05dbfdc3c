"""Saving: every collection read at one cluster time, streamed as the BSON that the server sends."""

import gzip
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from chassis.backup import folder as files
from chassis.backup.folder import BackupError, Manifest
from chassis.clock import instant_text, now
from chassis.mongo import Document

_TRIES = 20
_PAUSE_SECONDS = 0.25
"""Before it starts anew because a collection or an index was made just then: rare, but for suites just started."""
_TOO_OLD = 239
_CATALOG_CHANGED = 246
_BATCH = 1000

Catalog = dict[str, dict[str, dict[str, Any]]]
"""{database: {collection: {options, indexes, uuid}}}"""


def save(client: MongoClient[Document], databases: Iterable[str], folder: Path) -> Manifest:
    """Write a backup of these databases, all as they are at one instant, into a new folder; its manifest.

    Nothing waits for it, and nothing written meanwhile is in it. Raises BackupError, above all where it takes longer
    than the server keeps the past (minSnapshotHistoryWindowInSeconds, 300 by default). What failed leaves nothing.
    """
    files.prepare(folder)
    try:
        return _save(client, sorted(databases), folder)
    except BaseException:
        _clear(folder)
        raise


def _save(client: MongoClient[Document], names: list[str], folder: Path) -> Manifest:
    for again in range(_TRIES):
        if again:
            _clear(folder)
            time.sleep(_PAUSE_SECONDS)
        with client.start_session(snapshot=True) as session:
            before = _catalog(client, names)
            try:
                _fix_instant(client, before, session)
                at = now()
                # only what is listed alike before and after the instant is known to be so at the instant
                if _catalog(client, names) != before:
                    continue
                entries = _dump_all(client, before, session, folder)
            except OperationFailure as error:
                if error.code == _TOO_OLD:
                    raise BackupError(
                        "it took longer than the server keeps the past; let it keep an hour: "
                        "db.adminCommand({setParameter: 1, minSnapshotHistoryWindowInSeconds: 3600})"
                    ) from None
                if error.code != _CATALOG_CHANGED:
                    raise
                continue
        manifest = {"savedAt": instant_text(at), "server": client.server_info()["version"], "databases": entries}
        files.write_manifest(folder, manifest)
        return manifest
    raise BackupError("collections or indexes are being made all the while: try again")


def _catalog(client: MongoClient[Document], names: list[str]) -> Catalog:
    catalog: Catalog = {}
    for name in names:
        catalog[name] = {}
        for listed in client[name].list_collections():
            if listed["name"].startswith("system."):
                continue
            if listed["type"] != "collection" or listed["options"].get("capped"):
                raise BackupError(
                    f"{name}.{listed['name']} is a view, capped or of time series: not read at an instant"
                )
            indexes = [dict(index) for index in client[name][listed["name"]].list_indexes()]
            catalog[name][listed["name"]] = {
                "options": files.as_json(listed["options"]),
                "indexes": files.as_json(sorted(indexes, key=lambda index: str(index["name"]))),
                "uuid": listed["info"]["uuid"],
            }
    return catalog


def _fix_instant(client: MongoClient[Document], catalog: Catalog, session: ClientSession) -> None:
    """Read once: a snapshot session's first read chooses the instant of all that follow."""
    first = next(((name, collection) for name, all_ in catalog.items() for collection in all_), None)
    if first is None:
        raise BackupError(f"there is nothing to save in {', '.join(catalog)}")
    client[first[0]][first[1]].find_one({}, {"_id": 1}, session=session)


def _dump_all(client: MongoClient[Document], catalog: Catalog, session: ClientSession, folder: Path) -> Document:
    entries: Document = {name: {} for name in catalog}
    for name, collections in catalog.items():
        place = folder / quote(name, safe="")
        place.mkdir(mode=0o700)
        for collection, listed in collections.items():
            path = place / f"{quote(collection, safe='')}.bson.gz"
            documents = _dump(client[name][collection], session, path)
            entries[name][collection] = {
                "options": listed["options"],
                "indexes": listed["indexes"],
                "documents": documents,
                "file": str(path.relative_to(folder)),
                "sha256": files.digest(path),
            }
    return entries


def _dump(collection: Collection[Document], session: ClientSession, path: Path) -> int:
    """Write every document as it is at the session's instant; how many there are."""
    documents = 0
    with files.create(path) as out:
        # fast rather than small: the instant must not grow old
        with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as compressed:
            batches: Iterable[Any] = collection.find_raw_batches({}, batch_size=_BATCH, session=session)
            for batch in batches:
                documents += _documents_in(batch)
                compressed.write(batch)
        files.settle(out)
    return documents


def _documents_in(batch: bytes) -> int:
    """How many BSON documents stand one after another; each begins with its length (https://bsonspec.org)."""
    count = at = 0
    while at < len(batch):
        at += int(struct.unpack_from("<i", batch, at)[0])
        count += 1
    return count


def _clear(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
