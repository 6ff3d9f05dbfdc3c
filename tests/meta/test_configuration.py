"""docs/configuration.md lists every variable, from the classes that read them; UPDATE_DOCS=1 writes it."""

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devkit import dotenv
from devkit.layout import CHASSIS, ROOT, SERVICES, Service

DOCUMENT = ROOT / "docs" / "configuration.md"
EXAMPLE = ROOT / ".env.example"
HEADING = """# Configuration

Every process reads its variables once, as it starts, and does not start with a bad one: it names each on stderr and
ends with 78. An empty variable is one that is not set. `.env` holds them, for `make up` and for `docker compose`; the
process environment comes first. This page is written from the code (`UPDATE_DOCS=1 make test SUITES=meta
ARGS="-k configuration"`).

## What services read

| variable | takes | without it | | read by |
|---|---|---|---|---|
"""
OF_GUNICORN = """
Besides, every web process: `PORT` (8000), where it listens at `BIND_HOST`; `WEB_CONCURRENCY` (1), how many workers it
has; `PROMETHEUS_MULTIPROC_DIR`, the folder in which they count together (without it, one of its own that goes with it).

"""
OF_TOOLS = """## What `make up` and docker compose read

| variable | |
|---|---|
"""
EVERY, WITH_DATA = "every process", "every service but the gateway"
BASES = {"BaseConfig": EVERY, "DataConfig": WITH_DATA}
#: How the annotations read that say nothing of themselves.
KINDS = {
    "str": "text",
    "bool": "on or off",
    "int": "whole number",
    "float": "number",
    "Path": "path",
    "Secret": "secret of 32 characters or more",
    "SecretStr": "secret",
    "Secrets": "secrets, separated by commas",
    "PublicUrl": "URL",
    "ServiceUrl": "URL",
    "MailUrl": "URL, with a secret",
    "PublicKeys": "PEM, or a path",
    "PrivateKey": "PEM, or a path; secret",
    "EmailStr": "address",
    "Address": "address",
    "Minutes": "minutes, separated by commas",
    "PerMinute": "whole number",
    "Networks": "addresses and networks, separated by commas",
    "Origins": "origins, separated by commas, or *",
    "Timeouts": "METHOD /path=seconds, separated by commas",
}
BOUNDS = {"ge": "from", "gt": "above", "le": "to"}
#: Read by gunicorn's own settings.
NOT_FIELDS = {"PORT", "WEB_CONCURRENCY", "PROMETHEUS_MULTIPROC_DIR"}

Constants = dict[str, ast.expr]


@dataclass(frozen=True)
class Variable:
    name: str
    takes: str
    default: str
    told: str
    where: str


def variables_in(file: Path, where: str) -> Iterator[Variable]:
    """The fields of the classes of the file that are configurations."""
    known: Constants = {}
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign):
            known[ast.unparse(node.targets[0])] = node.value
        if isinstance(node, ast.ClassDef) and (node.name in BASES or node.name == "Config"):
            for statement in node.body:
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.value, ast.Call):
                    yield _variable(statement, statement.value, known, BASES.get(node.name, where))


def _variable(field: ast.AnnAssign, call: ast.Call, known: Constants, where: str) -> Variable:
    told = {word.arg or "": word.value for word in call.keywords}
    kind, of_kind = ("URL", {}) if "pattern" in told else _kind(field.annotation)
    bounds = {name: _value(node, known) for name, node in {**of_kind, **told}.items() if name in BOUNDS}
    takes = "".join(f" {word} {bounds[name]:,}" for name, word in BOUNDS.items() if name in bounds)
    default = _default(call.args[0], known) if call.args else "**no start**"
    name = ast.unparse(field.target).upper()
    return Variable(name, kind + takes, default, ast.literal_eval(told["description"]).replace("|", "\\|"), where)


def _kind(annotation: ast.expr) -> tuple[str, dict[str, ast.expr]]:
    """What the annotation takes, and the arguments of a Field in it."""
    if isinstance(annotation, ast.BinOp):
        return _kind(annotation.left)
    if not isinstance(annotation, ast.Subscript):
        return KINDS[ast.unparse(annotation)], {}
    if ast.unparse(annotation.value) == "Literal":
        return ", ".join(map(str, ast.literal_eval(annotation.slice))), {}
    assert isinstance(annotation.slice, ast.Tuple)
    first, *more = annotation.slice.elts
    told = {word.arg or "": word.value for one in more if isinstance(one, ast.Call) for word in one.keywords}
    return ("URL" if "pattern" in told else _kind(first)[0]), told


def _default(node: ast.expr, known: Constants) -> str:
    if isinstance(node, ast.Name):
        return "as in a checkout"
    value = None if isinstance(node, ast.Call) else _value(node, known)
    if isinstance(value, bool):
        return "on" if value else "off"
    return (",".join(map(str, value)) if isinstance(value, tuple) else str(value)) if value else "none"


def _value(node: ast.expr, known: Constants) -> Any:
    if isinstance(node, ast.Name):
        return _value(known[node.id], known)
    if isinstance(node, ast.BinOp):
        assert isinstance(node.op, ast.Mult)
        return _value(node.left, known) * _value(node.right, known)
    return ast.literal_eval(node)


def every_variable() -> list[Variable]:
    found = list(variables_in(CHASSIS / "chassis" / "config.py", ""))
    for service in SERVICES:
        found += variables_in(service.folder / service.package / "config.py", service.folder_name)
    return sorted(found, key=lambda one: one.name)


def of_tools() -> Iterator[tuple[str, str]]:
    """(variables, what .env.example says of them) for those that no service reads."""
    own = {one.name for one in every_variable()} | NOT_FIELDS
    comment: list[str] = []
    names: list[str] = []
    for line in [*EXAMPLE.read_text().splitlines(), "#"]:
        if found := re.fullmatch(r"(?:# )?([A-Z][A-Z0-9_]*)=.*", line):
            names.append(found[1])
            continue
        if names:
            if left := [name for name in names if name not in own]:
                yield ", ".join(f"`{name}`" for name in left), " ".join(comment)
            names, comment = [], []
        if line.startswith("# ") and not line.startswith("# ---"):
            comment.append(line.removeprefix("# "))
        else:
            comment = []


def document() -> str:
    rows: dict[str, list[Variable]] = {}
    for one in every_variable():
        rows.setdefault(one.name, []).append(one)
    lines = []
    for name, same in rows.items():
        told = " ".join(dict.fromkeys(one.told for one in same))
        where = ", ".join(dict.fromkeys(one.where for one in same))
        lines.append(f"| `{name}` | {same[0].takes} | {same[0].default} | {told} | {where} |\n")
    tools = "".join(f"| {names} | {told} |\n" for names, told in of_tools())
    return HEADING + "".join(lines) + OF_GUNICORN + OF_TOOLS + tools


def test_the_configuration_page_lists_every_variable() -> None:
    page = document()
    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(page)
    assert DOCUMENT.read_text() == page


def test_a_variable_takes_the_same_wherever_it_is_read() -> None:
    taken: dict[str, set[tuple[str, str]]] = {}
    for one in every_variable():
        taken.setdefault(one.name, set()).add((one.takes, one.default))
    assert {name: found for name, found in taken.items() if len(found) > 1} == {}


def test_the_example_of_env_documents_every_variable_that_a_user_may_set() -> None:
    # where the other services are, and where a process of its own leaves its sign, is said by what starts it
    set_by_starters = {"HEARTBEAT_FILE", "CONTRACTS_DIR", "BIND_HOST", "PROMETHEUS_MULTIPROC_DIR"}
    set_by_starters |= {f"{service.name.upper()}_SERVICE_URL" for service in SERVICES[1:]}
    read = {one.name for one in every_variable()} | NOT_FIELDS
    assert read - dotenv.documented_names(EXAMPLE) == set_by_starters


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_services_readme_names_every_variable_of_its_own_and_none_that_is_not(service: Service) -> None:
    text = (service.folder / "README.md").read_text()
    table = text.partition("## Variables")[2].partition("\n## ")[0].splitlines()
    # the first column, without defaults
    cells = re.sub(r"\([^)]*\)", "", " ".join(line.split("|")[1] for line in table if line.startswith("|")))
    own = {one.name for one in variables_in(service.folder / service.package / "config.py", service.folder_name)}
    read = {one.name for one in every_variable() if one.where in (service.folder_name, EVERY, WITH_DATA)} | NOT_FIELDS
    assert {name for name in own if f"`{name}`" not in text} == set(), "not told of"
    assert set(re.findall(r"`([A-Z][A-Z0-9_]{3,})`", cells)) - read == set(), "not read by it"
