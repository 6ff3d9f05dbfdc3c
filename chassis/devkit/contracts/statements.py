"""What a service expects of others and offers them, read from its code: `contracts/statements/<service>.json`.

    {"reads":    {source: {event type: schema of the data as the handler reads it}},
     "asks":     [{"service", "method", "arguments": {name: {"always", "schema"}}, "reads": schema}],
     "fetches":  {service: {internal path: schema of what is read}},
     "answers":  {method: {"arguments": {name: {"required", "schema"}}, "answer": schema}},
     "internal": {internal path: schema of the answer}}

No server is needed: the consumer's module is loaded with a stand-in for what it would connect to.
"""

import importlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, get_type_hints
from unittest import mock

from pydantic import TypeAdapter

from chassis.rpc import Question
from devkit.layout import ROOT, SERVICES, Service

Node = dict[str, Any]
FOLDER = ROOT / "contracts" / "statements"
_PAGED_BY = {"after": str, "ids": list[str]}
"""What chassis.projections asks a snapshot by, either of them."""


def of(service: Service) -> Node:
    """The statement of a service, whose package can be imported here."""
    package = service.package
    calls = importlib.import_module(f"{package}.calls")
    if service.name == "gateway":
        return _gateway(package, calls)
    reads, answers = _consumer(package)
    return {
        "reads": reads,
        "asks": _asks(package, calls),
        "fetches": {},
        "answers": answers,
        "internal": {path: promised(shape) for path, shape in sorted(getattr(calls, "INTERNAL", {}).items())},
    }


def check(name: str) -> None:
    """The statement of the service in that folder is that of its file; UPDATE_CONTRACTS=1 writes it."""
    (service,) = (service for service in SERVICES if service.folder_name == name)
    stated, file = of(service), FOLDER / f"{name}.json"
    if os.environ.get("UPDATE_CONTRACTS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(written(stated))
    assert json.loads(file.read_text()) == stated, f"{file.name}: UPDATE_CONTRACTS=1 writes what the code says"


def read(shape: Any) -> Node:
    """The schema of what is read as this type."""
    return _plain(TypeAdapter(shape).json_schema(by_alias=True, mode="validation"))


def promised(shape: Any) -> Node:
    """The schema of what is answered as this type."""
    return _plain(TypeAdapter(shape).json_schema(by_alias=True, mode="serialization"))


def written(node: Any, depth: int = 3, indent: str = "") -> str:
    """JSON with a line for each event and method: what a change of one touches."""
    if depth == 0 or not node or not isinstance(node, dict | list):
        return json.dumps(node) if indent else json.dumps(node) + "\n"
    deeper, end = indent + " ", "" if indent else "\n"
    if isinstance(node, list):
        items = [written(item, 0, deeper) for item in node]
        return "[\n" + ",\n".join(f"{deeper}{item}" for item in items) + f"\n{indent}]{end}"
    items = [f"{json.dumps(key)}: {written(value, depth - 1, deeper)}" for key, value in node.items()]
    return "{\n" + ",\n".join(f"{deeper}{item}" for item in items) + f"\n{indent}}}{end}"


def _gateway(package: str, calls: ModuleType) -> Node:
    events = importlib.import_module(f"{package}.events")
    broadcasts: Node = json.loads((ROOT / "contracts" / "broadcasts.json").read_text())[package]
    fetches: dict[str, Node] = {}
    for asked in (value for value in vars(calls).values() if isinstance(value, calls.Asked)):
        schema = {"type": "object", "required": [asked.field], "properties": {asked.field: read(asked.reads)}}
        fetches.setdefault(asked.service, {})[asked.path] = schema
    return {
        "reads": {source: {kind: read(events.SHAPES[kind]) for kind in kinds} for source, kinds in broadcasts.items()},
        "asks": [],
        "fetches": fetches,
        "answers": {},
        "internal": {},
    }


def _consumer(package: str) -> tuple[dict[str, Node], Node]:
    """What the consumer's handlers read, and what its methods answer."""
    reads: dict[str, Node] = {}
    answers: Node = {}

    def event_handler(source: str, kind: str, shape: Any) -> Callable[[Any], Any]:
        assert kind not in reads.setdefault(source, {}), f"two handlers of {kind}"
        reads[source][kind] = read(shape)
        return lambda method: method

    def rpc(answer: Any) -> Callable[[Any], Any]:
        def decorate(method: Any) -> Any:
            answers[method.__name__] = {"arguments": _arguments(method), "answer": promised(answer)}
            return method

        return decorate

    stand_in = ModuleType("chassis.consumer")
    vars(stand_in).update(event_handler=event_handler, rpc=rpc, serve=None)
    name = f"{package}.consumer"
    with (
        mock.patch.dict(sys.modules, {"chassis.consumer": stand_in}),
        mock.patch(f"{package}.bootstrap.build"),
        mock.patch(f"{package}.config.Config.read_or_exit"),
        mock.patch("chassis.telemetry.begin"),
    ):
        sys.modules.pop(name, None)
        importlib.import_module(name)
    return {source: dict(sorted(kinds.items())) for source, kinds in sorted(reads.items())}, answers


def _arguments(method: Any) -> Node:
    hints = get_type_hints(method)
    parameters = [each for each in inspect.signature(method).parameters.values() if each.name != "self"]
    return {
        each.name: {"required": each.default is inspect.Parameter.empty, "schema": read(hints[each.name])}
        for each in parameters
    }


def _asks(package: str, calls: ModuleType) -> list[Node]:
    """The questions of ``calls``, and those of the projections."""
    named = [value for value in vars(calls).values() if isinstance(value, Question)]
    grouped = [value for group in vars(calls).values() if isinstance(group, dict) for value in group.values()]
    asks = [
        {
            "service": question.service,
            "method": question.method,
            "arguments": {name: {"always": True, "schema": read(shape)} for name, shape in question.arguments.items()},
            "reads": read(question.reads),
        }
        for question in (*named, *(value for value in grouped if isinstance(value, Question)))
    ]
    asks += _of_projections(package)
    return sorted(asks, key=lambda one: (one["service"], one["method"], json.dumps(one["reads"])))


def _of_projections(package: str) -> Iterator[Node]:
    # the gateway has neither projections nor a database's driver
    from chassis.projections import Projection
    from chassis.snapshots import Told

    module = importlib.import_module(f"{package}.projections")
    for found in vars(module).values():
        if isinstance(found, type) and issubclass(found, Projection) and hasattr(found, "name"):
            yield {
                "service": found.source,
                "method": found.method,
                "arguments": {name: {"always": False, "schema": read(shape)} for name, shape in _PAGED_BY.items()},
                "reads": read(Told[found.reads]),  # type: ignore[name-defined]
            }


def _plain(schema: Any) -> Any:
    """Without what is only for people: it may change without a word to anybody."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept: Node = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            kept[key] = {name: _plain(item) for name, item in value.items()}
        elif key not in ("title", "description", "default"):
            kept[key] = _plain(value)
    return kept
