"""The document lists each metric that the code makes; alerts and plots ask only for such."""

import ast
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from devkit.layout import CHASSIS, ROOT, SERVICES

DOCUMENT = ROOT / "docs" / "observability.md"
FOLDER = ROOT / "observability"
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
HEADING = "| metric | labels | kind | tells |\n|---|---|---|---|\n"

OF_PROMETHEUS = {"up": {"process", "instance"}}
TARGET_LABELS = {"process", "instance", "job", "le"}
"""What every sample has by where it comes from; a metric's own label of such a name would be renamed."""
ENDINGS = {"Counter": ["_total"], "Histogram": ["_bucket", "_sum", "_count"], "Gauge": [""]}
_WORDS = re.compile(r"(?<![\w.])[a-zA-Z_]\w*\b(?!\s*\()")
_CLAUSE = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_OPERATORS = {"and", "or", "unless", "bool", "offset"}


@dataclass(frozen=True, order=True)
class Metric:
    name: str
    labels: tuple[str, ...]
    kind: str
    text: str

    @property
    def series(self) -> list[str]:
        return [self.name.removesuffix("_total") + ending for ending in ENDINGS[self.kind]]


def made() -> Iterator[Metric]:
    """Every metric of the code, as it is declared."""
    folders = (CHASSIS / "chassis", *(service.folder / service.package for service in SERVICES))
    for file in (file for folder in folders for file in folder.rglob("*.py")):
        source = file.read_text()
        for node in ast.walk(ast.parse(source)) if "prometheus_client" in source else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ENDINGS and node.args:
                name, text, *labels = node.args
                constants = ast.literal_eval(labels[0]) if labels else []
                shown = str(ast.literal_eval(name)).removesuffix("_total") + ENDINGS[node.func.id][0]
                yield Metric(shown.removesuffix("_bucket"), tuple(constants), node.func.id, ast.literal_eval(text))


METRICS = sorted(made())
SERIES = {name: set(metric.labels) for metric in METRICS for name in metric.series} | OF_PROMETHEUS


def asked(expression: str) -> tuple[set[str], set[str]]:
    """(series, labels) that a PromQL expression names."""
    labels: set[str] = set()
    for group in re.findall(r"\{([^}]*)\}", expression):
        labels |= set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", group))
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", expression)
    for clause in _CLAUSE.findall(bare):
        labels |= {label.strip() for label in clause.split(",")}
    return set(_WORDS.findall(_CLAUSE.sub(" ", bare))) - _OPERATORS, labels


def expressions() -> Iterator[Any]:
    for rule in RULES:
        yield pytest.param(rule["expr"], id=rule["alert"])
    for file in (FOLDER / "grafana" / "dashboards").glob("*.json"):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", ()):
                yield pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")


def test_the_code_was_read() -> None:
    assert len(METRICS) > 30
    assert len({metric.name for metric in METRICS}) == len(METRICS)


@pytest.mark.parametrize("expression", list(expressions()))
def test_what_alerts_and_plots_ask_for_is_counted_under_that_name(expression: str) -> None:
    series, labels = asked(expression)
    assert series
    assert series <= SERIES.keys()
    assert labels <= TARGET_LABELS.union(*(SERIES[name] for name in series))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_no_label_is_one_that_prometheus_gives_itself_or_can_hold_an_id(metric: Metric) -> None:
    assert not TARGET_LABELS & set(metric.labels)
    assert not [label for label in metric.labels if re.search(r"(^|_)(id|user|path|email|address)$", label)]


def test_the_document_lists_every_metric() -> None:
    rows = HEADING + "".join(
        f"| `{metric.name}` | {', '.join(metric.labels) or '-'} | {metric.kind.lower()} | {metric.text} |\n"
        for metric in METRICS
    )
    before, _, rest = DOCUMENT.read_text().partition(HEADING)
    after = rest[re.match(r"(?:\|.*\n)*", rest).end() :]  # type: ignore[union-attr]
    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(before + rows + after)
    assert DOCUMENT.read_text() == before + rows + after


def test_prometheus_asks_every_process_of_compose() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    found = {name for job in config["scrape_configs"] for dns in job["dns_sd_configs"] for name in dns["names"]}
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ours = {
        name
        for name, service in services.items()
        if service.get("image", "").startswith("appointment-suite/") and service.get("restart") == "unless-stopped"
    }
    assert found == ours
