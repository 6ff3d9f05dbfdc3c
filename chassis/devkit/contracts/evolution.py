"""What a service may not change from one release to the next, or take from the others as they were released."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from devkit.contracts import beside, openapi, shapes
from devkit.contracts.sides import Side, Sides

Node = Mapping[str, Any]
_ALL = frozenset({"patient", "doctor", "admin"})


def breaks(old: Side, new: Side, readers: Sides) -> list[str]:
    """Why the new version must not follow the old one beside the released ``readers``; empty if it may."""
    return [
        *_events(old, new, readers),
        *_routes(old, new),
        *openapi.breaks(old.openapi, new.openapi),
        *(problem for reader in readers.values() for problem in beside.unmet(reader, new)),
        *beside.confused(old, new, readers),
    ]


def _events(old: Side, new: Side, readers: Sides) -> Iterator[str]:
    for kind, was in old.schemas.items():
        reads = {
            str(reader): found[kind]
            for reader in readers.values()
            if kind in (found := reader.statement["reads"].get(old.name, {}))
        }
        if kind not in new.schemas:
            if reads:
                yield f"{kind} is published no more, and {', '.join(reads)} reads it"
            continue
        now = new.schemas[kind]
        if (was, old.examples[kind]) == (now, new.examples[kind]):
            continue
        yield from (f"{kind}: {problem}" for problem in _event(was, now, reads))
        yield from _example(f"{kind}: the example is none by the released schema", was, new.examples[kind])
        yield from _example(f"{kind}: the released example is none any more", now, old.examples[kind])


def _event(was: Node, now: Node, reads: Mapping[str, Node]) -> Iterator[str]:
    gone = shapes.lost(was, now)
    for path in gone:
        yield f"{'.'.join(path)} was removed, or renamed"
    for misfit in shapes.misfits(was, now):
        if not misfit.is_new_value and misfit.path not in gone:
            yield f"{misfit} now"
        branching = [who for who, shape in reads.items() if shapes.branches_at(shape, misfit.path[1:])]
        if misfit.is_new_value and branching:
            yield f"{misfit} now, and {', '.join(branching)} branches on it"
    for misfit in shapes.misfits(now, was):
        if misfit.path not in gone:
            yield f"{misfit} as it was released; the new schema refuses that"


def _example(what: str, schema: Node, example: Node) -> Iterator[str]:
    for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(example):
        yield f"{what}: {error.json_path} {error.message}"


def _routes(old: Side, new: Side) -> Iterator[str]:
    now = {(route["method"], route["path"]): route["access"] for route in new.routes}
    for route in old.routes:
        method, path, access = route["method"], route["path"], route["access"]
        if (method, path) not in now:
            yield f"{method} {path} is gone"
        elif _audience(access) - _audience(now[method, path]):
            yield f"{method} {path} was for {access}, and is for {now[method, path]} now"


def _audience(access: str) -> frozenset[str]:
    named = frozenset(access.split("|"))
    if "public" in named:
        return _ALL | {"anybody"}
    return _ALL if "self" in named else named
