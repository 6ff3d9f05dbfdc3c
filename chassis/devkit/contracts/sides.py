"""One service's side of all contracts, as it is in this checkout or as it was released."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.layout import ROOT, SERVICES

Node = dict[str, Any]
CONTRACTS = ROOT / "contracts"
_SCHEMA, _EXAMPLE = ".schema.json", ".example.json"
_MAJOR = re.compile(r"\.v\d+$")
_FILES = {"statements": "statement.json", "routes": "routes.json", "openapi": "openapi.json"}


@dataclass(frozen=True)
class Side:
    """What a service states of itself (`statements`), publishes and serves."""

    name: str
    version: str
    statement: Node
    schemas: dict[str, Node]
    examples: dict[str, Node]
    """Of the events that it publishes, by type."""
    routes: list[Node]
    openapi: Node

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


Sides = dict[str, Side]


def of_checkout(contracts: Path = CONTRACTS) -> Sides:
    """All seven, by the name of their folders, as their contract tests hold them."""
    return {service.folder_name: _present(contracts, service.folder_name) for service in SERVICES}


def released(contracts: Path = CONTRACTS) -> Sides:
    """Those that were released, each in its last version."""
    folders = [contracts / "released" / service.folder_name for service in SERVICES]
    return {folder.name: _read(folder) for folder in folders if folder.exists()}


def keep(side: Side, commit: str, contracts: Path = CONTRACTS) -> None:
    """Note the side as the released one of its service."""
    folder = contracts / "released" / side.name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "events").mkdir(parents=True)
    (folder / "release.json").write_text(json.dumps({"version": side.version, "commit": commit}) + "\n")
    for kind, name in _FILES.items():
        # the gateway has neither routes nor a document of its own
        if (source := contracts / kind / f"{side.name}.json").exists():
            shutil.copyfile(source, folder / name)
    for kind in side.schemas:
        for suffix in (_SCHEMA, _EXAMPLE):
            name = f"{kind if _MAJOR.search(kind) else kind + '.v1'}{suffix}"
            shutil.copyfile(contracts / "events" / name, folder / "events" / name)


def _present(contracts: Path, name: str) -> Side:
    published = {
        kind: schema for kind, schema in _events(contracts / "events", _SCHEMA).items() if _may_publish(schema, name)
    }
    examples = _events(contracts / "events", _EXAMPLE)
    return Side(
        name,
        "as it is here",
        _json(contracts / "statements" / f"{name}.json", {}),
        published,
        {kind: examples[kind] for kind in published},
        _json(contracts / "routes" / f"{name}.json", []),
        _json(contracts / "openapi" / f"{name}.json", {"paths": {}}),
    )


def _read(folder: Path) -> Side:
    return Side(
        folder.name,
        _json(folder / "release.json", {})["version"],
        _json(folder / "statement.json", {}),
        _events(folder / "events", _SCHEMA),
        _events(folder / "events", _EXAMPLE),
        _json(folder / "routes.json", []),
        _json(folder / "openapi.json", {"paths": {}}),
    )


def _may_publish(schema: Node, name: str) -> bool:
    source = schema["properties"]["source"]
    return name in source.get("enum", [source.get("const")])


def _events(folder: Path, suffix: str) -> dict[str, Node]:
    """By type, which names the major version from the second on."""
    files = sorted(folder.glob(f"*{suffix}"))
    return {file.name.removesuffix(suffix).removesuffix(".v1"): _json(file, {}) for file in files}


def _json(file: Path, absent: Any) -> Any:
    return json.loads(file.read_text()) if file.exists() else absent
