"""A backup on disk: private files, and the manifest by which they are told to be whole.

manifest: {format, savedAt, server, databases: {name: {collection: {options, indexes, documents, file, sha256}}},
sha256}

``options`` and ``indexes`` are what MongoDB lists, in extended JSON; the last ``sha256`` is that of all the rest.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import IO, Any

from bson import json_util

Manifest = dict[str, Any]

_NAME = "manifest.json"
_FORMAT = 1


class BackupError(Exception):
    """A backup can't be made, is not whole, or can't be loaded; the message says why, and shows nothing private."""


def prepare(folder: Path) -> None:
    """Make the folder, for its owner alone. Raises BackupError if there is anything in it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty: name a new folder")
    folder.chmod(0o700)


def create(path: Path) -> IO[bytes]:
    """A new file for its owner alone: it holds personal data."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def settle(out: IO[bytes]) -> None:
    """Return when what was written is on the disk."""
    out.flush()
    os.fsync(out.fileno())


def digest(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Make a backup of the folder: its files were written, and settled, before."""
    content = {"format": _FORMAT, **manifest}
    partial = folder / f"{_NAME}.partial"
    with create(partial) as out:
        out.write(json.dumps({**content, "sha256": _own_digest(content)}, indent=1).encode())
        settle(out)
    partial.rename(folder / _NAME)
    for changed in {folder, *(path.parent for path in folder.rglob("*"))}:
        descriptor = os.open(changed, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def read_manifest(folder: Path) -> Manifest:
    """The manifest, after every file was found to be as it was written. Raises BackupError."""
    try:
        manifest: Manifest = json.loads((folder / _NAME).read_bytes())
    except FileNotFoundError:
        raise BackupError(f"{folder} holds no backup: it has no {_NAME}, which is written last") from None
    except ValueError:
        raise BackupError(f"the manifest in {folder} is damaged") from None
    content = {key: value for key, value in manifest.items() if key != "sha256"}
    if content.get("format") != _FORMAT or _own_digest(content) != manifest.get("sha256"):
        raise BackupError(f"the manifest in {folder} is damaged, or of another version")
    for name, collections in manifest["databases"].items():
        for collection, entry in collections.items():
            path = folder / entry["file"]
            if not path.is_file() or digest(path) != entry["sha256"]:
                raise BackupError(f"the file of {name}.{collection} is missing or damaged: {entry['file']}")
    return manifest


def as_json(value: Any) -> Any:
    """What MongoDB lists, as JSON that keeps each number's type and the order of keys."""
    return json.loads(json_util.dumps(value, json_options=json_util.CANONICAL_JSON_OPTIONS))


def from_json(value: Any) -> Any:
    return json_util.loads(json.dumps(value), json_options=json_util.CANONICAL_JSON_OPTIONS)


def _own_digest(content: Manifest) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
