"""Every event published has a schema, an example and a consumer; every subscription a publisher and a process."""

import ast
import json
import re
from pathlib import Path

import pytest

from devkit.layout import PLAIN_SERVICES, ROOT, SCHEDULER, Service

EVENTS = ROOT / "contracts" / "events"
BROADCASTS: dict[str, dict[str, list[str]]] = json.loads((ROOT / "contracts" / "broadcasts.json").read_text())
SUBSCRIPTIONS: dict[str, dict[str, list[str]]] = json.loads((ROOT / "contracts" / "subscriptions.json").read_text())
SERVICES = {service.folder_name: service for service in (*PLAIN_SERVICES, SCHEDULER)}
KEBAB = re.compile(r"[a-z]+(-[a-z]+)+")
#: What the chassis makes for a service that asks it to.
MADE_FOR = {
    "user-data-erased": re.compile(r"from chassis\.tombstones import .*\breceipt\b"),
    "audit-recorded": re.compile(r"from chassis\.audit import|from chassis import .*\baudit\b"),
}
EVENT_TYPES = sorted(file.name.removesuffix(".v1.schema.json") for file in EVENTS.glob("*.v1.schema.json"))


def published(service: Service) -> set[str]:
    """Event types that the service's code makes: the kebab-case words in its ``events.py``, and the chassis's."""
    package = service.folder / service.package
    words = {
        node.value
        for node in ast.walk(ast.parse((package / "events.py").read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEBAB.fullmatch(node.value)
    }
    sources = [file.read_text() for file in package.rglob("*.py")]
    words |= {kind for kind, sign in MADE_FOR.items() if any(sign.search(source) for source in sources)}
    return words - set(SERVICES)


PUBLISHED = {name: published(service) for name, service in SERVICES.items()}


def test_the_code_was_read() -> None:
    assert sum(len(types) for types in PUBLISHED.values()) >= len(EVENT_TYPES)


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_schema_has_an_example_a_publisher_and_a_consumer(kind: str) -> None:
    assert (EVENTS / f"{kind}.v1.example.json").exists()
    sources = {name for name, types in PUBLISHED.items() if kind in types}
    assert sources
    rows = (*SUBSCRIPTIONS.values(), *BROADCASTS.values())
    consumed = {source for row in rows for source, kinds in row.items() if kind in kinds}
    assert consumed == sources


@pytest.mark.parametrize("name", SERVICES)
def test_everything_published_has_a_schema(name: str) -> None:
    assert PUBLISHED[name] <= set(EVENT_TYPES)


@pytest.mark.parametrize("name", SUBSCRIPTIONS)
def test_every_subscription_is_handled_by_the_services_consumer(name: str) -> None:
    module = Path(SERVICES[name].folder, SERVICES[name].package, "consumer.py").read_text()
    for source, kinds in SUBSCRIPTIONS[name].items():
        for kind in kinds:
            assert f'"{kind}"' in module
            assert f'"{source}"' in module
