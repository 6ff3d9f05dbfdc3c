"""The route table: which service owns a method and path, and who may call. Also what a path may look like."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, unquote_to_bytes

from chassis.api import PUBLIC
from chassis.urls import BASE_PATH
from gateway.errors import RouteNotFound

_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
_LEGAL = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+")
_PARAMETER = re.compile(r"([^{}]*)\{[A-Za-z_]+\}([^{}]*)")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


class RouteTableError(Exception):
    """The contracts do not make a route table; the message names the files."""


@dataclass(frozen=True, slots=True)
class Route:
    """One public route: ``pattern`` is its full path, as in ``/api/v1/doctors/{id}``."""

    service: str
    method: str
    pattern: str
    access: str
    is_heavy: bool = False
    """Whether one call costs as much as many others."""
    seconds: float | None = None
    """How long its answer may take, where it is not as long as all others'."""

    @property
    def is_public(self) -> bool:
        return self.access == PUBLIC


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    # a parameter with fixed text around it, as in {secret}.ics: (before, after, node)
    affixed: list[tuple[str, str, "_Node"]] = field(default_factory=list)
    parameter: "_Node | None" = None
    routes: dict[str, Route] = field(default_factory=dict)


class RouteTable:
    """A tree of path segments, so that a look-up costs a few dictionary reads however many routes there are.

    At each segment literal text goes before ``{parameter}.suffix``, and that before ``{parameter}``.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    @classmethod
    def read(
        cls, folder: Path, services: Iterable[str], timeouts: Mapping[str, float] = MappingProxyType({})
    ) -> "RouteTable":
        """The table of ``folder/<service>.json``; ``timeouts`` are {method and path: seconds}.

        Raises RouteTableError if a file is wrong, two claim one route, or a timeout is for none.
        """
        known = set(services)
        routes: list[Route] = []
        for file in sorted(folder.glob("*.json")):
            if file.stem not in known:
                raise RouteTableError(f"{file.name}: there is no service of this name")
            routes += _read(file, timeouts)
        if unknown := timeouts.keys() - {f"{route.method} {route.pattern.removeprefix(BASE_PATH)}" for route in routes}:
            raise RouteTableError(f"ROUTE_TIMEOUTS: there is no {', '.join(sorted(unknown))}")
        return cls(routes)

    def find(self, segments: Sequence[str]) -> Mapping[str, Route]:
        """The routes of a path by their method. Raises RouteNotFound if there is none."""
        node = _descend(self._root, segments, 0)
        if node is None:
            raise RouteNotFound
        return node.routes

    def _add(self, route: Route) -> None:
        node = self._root
        for part in route.pattern.strip("/").split("/"):
            node = _child(node, part)
        other = node.routes.setdefault(route.method, route)
        if other is not route:
            raise RouteTableError(
                f"{other.service} and {route.service} both claim {route.method} {route.pattern}"
                + (f" ({other.pattern})" if other.pattern != route.pattern else "")
            )


def segments_of(path: str) -> list[str]:
    """The decoded segments of a raw request path. Raises RouteNotFound if the path is none that a service has.

    What two parsers could read in two ways is refused, never passed on: empty, ``.`` and ``..`` segments,
    encoded or not; encoded slashes; backslashes; control characters; bytes that are not UTF-8.
    """
    if _PLAIN.fullmatch(path):
        return path[1:].split("/")
    if not _LEGAL.fullmatch(path):
        raise RouteNotFound
    return [_decoded(part) for part in path[1:].split("/")]


def path_of(segments: Sequence[str]) -> str:
    """The one way to write these segments as a path: a service sees exactly what was matched here."""
    return "/" + "/".join(quote(segment, safe="!$&'()*+,;=:@") for segment in segments)


def allowed_methods(routes: Mapping[str, Route]) -> Iterator[str]:
    """What ``Allow`` says of a path: its methods, HEAD beside GET, and OPTIONS."""
    return iter(sorted({*routes, "OPTIONS"} | ({"HEAD"} if "GET" in routes else set())))


def _decoded(part: str) -> str:
    try:
        segment = unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        raise RouteNotFound from None
    if segment in (".", "..") or "/" in segment or "\\" in segment or not segment.isprintable():
        raise RouteNotFound
    return segment


def _read(file: Path, timeouts: Mapping[str, float]) -> Iterator[Route]:
    try:
        for entry in json.loads(file.read_text()):
            method, path, access = entry["method"], entry["path"], entry["access"]
            if method not in _METHODS or not path.startswith("/") or not access:
                raise ValueError(f"{method} {path} {access!r} is no route")
            seconds = timeouts.get(f"{method} {path}")
            yield Route(file.stem, method, BASE_PATH + path, access, entry.get("heavy", False), seconds)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RouteTableError(f"{file.name}: {error!r}") from None


def _child(node: _Node, part: str) -> _Node:
    match = _PARAMETER.fullmatch(part)
    if match is None:
        return node.literals.setdefault(part, _Node())
    before, after = match.groups()
    if not before and not after:
        node.parameter = node.parameter or _Node()
        return node.parameter
    for known in node.affixed:
        if known[:2] == (before, after):
            return known[2]
    node.affixed.append((before, after, _Node()))
    # the most fixed text first: a choice that does not hang on the order of the files
    node.affixed.sort(key=lambda item: (-len(item[0]) - len(item[1]), item[:2]))
    return node.affixed[[item[:2] for item in node.affixed].index((before, after))][2]


def _descend(node: _Node, segments: Sequence[str], depth: int) -> _Node | None:
    if depth == len(segments):
        return node if node.routes else None
    segment = segments[depth]
    literal = node.literals.get(segment)
    if literal is not None and (found := _descend(literal, segments, depth + 1)):
        return found
    for before, after, child in node.affixed:
        fits = len(segment) > len(before) + len(after) and segment.startswith(before) and segment.endswith(after)
        if fits and (found := _descend(child, segments, depth + 1)):
            return found
    return _descend(node.parameter, segments, depth + 1) if node.parameter else None
