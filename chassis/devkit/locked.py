"""Whether a service's own lock has all that it needs: the tests' lock beside it would hide what is missing."""

import re
from collections.abc import Iterator
from importlib.metadata import distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from devkit.layout import ROOT, SERVICES

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
#: Of this repository: installed from its folder, in no lock.
_OURS = {"chassis"}


def unlocked(folder: str) -> list[str]:
    """What the service in that folder needs, directly or not, and its requirements.lock does not name.

    Asked in an environment where the service is installed. Raises PackageNotFoundError for what is in no lock here.
    """
    (service,) = (service for service in SERVICES if service.folder_name == folder)
    locked = {canonicalize_name(name) for name in _PIN.findall((ROOT / folder / "requirements.lock").read_text())}
    return sorted(set(_needed(service.folder_name, frozenset(), set())) - locked)


def _needed(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> Iterator[str]:
    for text in distribution(name).requires or ():
        wanted = Requirement(text)
        applies = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if applies and key not in seen:
            seen.add(key)
            if key[0] not in _OURS:
                yield key[0]
            yield from _needed(*key, seen)
