"""Whether what one service expects of another is what that other offers: events, answers, internal endpoints."""

from collections.abc import Iterator, Mapping
from typing import Any

from devkit.contracts import shapes
from devkit.contracts.sides import Side, Sides

Node = dict[str, Any]


def providers(reader: Side) -> set[str]:
    """The services that it expects anything of."""
    statement = reader.statement
    return {ask["service"] for ask in statement["asks"]} | statement["reads"].keys() | statement["fetches"].keys()


def unmet(reader: Side, provider: Side) -> list[str]:
    """What the reader expects of the provider and would not get."""
    return [*_events(reader, provider), *_answers(reader, provider), *_endpoints(reader, provider)]


def confused(old: Side, new: Side, readers: Sides) -> Iterator[str]:
    """Values that the new version may answer and the old one did not, where code of a reader branches on them."""
    for method, was in old.statement["answers"].items():
        now = new.statement["answers"].get(method)
        added = [each for each in shapes.misfits(was["answer"], now["answer"]) if each.is_new_value] if now else []
        for misfit in added:
            for reader in readers.values():
                asked = [one["reads"] for one in reader.statement["asks"] if _is(one, old.name, method)]
                if any(shapes.branches_at(reads, misfit.path) for reads in asked):
                    yield f"{method}: {misfit} now, and {reader} branches on it"


def data_of(schema: Node) -> Node:
    """The schema of an event's data, complete in itself."""
    return {**schema["properties"]["data"], "$defs": schema.get("$defs", {})}


def _events(reader: Side, provider: Side) -> Iterator[str]:
    for kind, reads in reader.statement["reads"].get(provider.name, {}).items():
        if kind not in provider.schemas:
            # its own next version publishes what it reads
            if reader.name != provider.name:
                yield f"{reader} reads {kind}, which {provider} does not publish"
            continue
        for misfit in shapes.misfits(reads, data_of(provider.schemas[kind])):
            yield f"{reader} reads {kind} of {provider}: data.{misfit}"


def _answers(reader: Side, provider: Side) -> Iterator[str]:
    offered = provider.statement["answers"]
    for ask in reader.statement["asks"]:
        if ask["service"] != provider.name:
            continue
        what = f"{reader} calls {ask['method']} of {provider}"
        if ask["method"] not in offered:
            yield f"{what}, which has no such method"
            continue
        yield from (f"{what}: {problem}" for problem in _call(ask, offered[ask["method"]]))


def _call(ask: Mapping[str, Any], offer: Mapping[str, Any]) -> Iterator[str]:
    sent, taken = ask["arguments"], offer["arguments"]
    for name, argument in sent.items():
        if name not in taken:
            yield f"it takes no argument {name}"
        else:
            for misfit in shapes.misfits(taken[name]["schema"], argument["schema"]):
                yield f"argument {name}: {misfit}"
    for name, argument in taken.items():
        if argument["required"] and not sent.get(name, {}).get("always"):
            yield f"it wants an argument {name}"
    for misfit in shapes.misfits(ask["reads"], offer["answer"]):
        yield f"the answer's {misfit}"


def _endpoints(reader: Side, provider: Side) -> Iterator[str]:
    for path, reads in reader.statement["fetches"].get(provider.name, {}).items():
        if path not in provider.statement["internal"]:
            yield f"{reader} fetches {path} of {provider}, which has no such endpoint"
            continue
        for misfit in shapes.misfits(reads, provider.statement["internal"][path]):
            yield f"{reader} fetches {path} of {provider}: {misfit}"


def _is(ask: Node, service: str, method: str) -> bool:
    return bool(ask["service"] == service and ask["method"] == method)
