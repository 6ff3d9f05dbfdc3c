"""docs/errors.md lists every error code that the code can answer; UPDATE_DOCS=1 writes it."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devkit.layout import CHASSIS, ROOT, SERVICES

DOCUMENT = ROOT / "docs" / "errors.md"
EVERYWHERE = "every service"
HEADING = """# Errors

Every error is answered as `{"success": false, "message": "...", "code": "...", "requestId": "..."}`, with `errors` (the
fields that are not right) for `VALIDATION_FAILED`. The code is stable; the message is for a person and may change. Any
route may answer the codes of *every service*. This page is written from the code (`UPDATE_DOCS=1 make test SUITES=meta
ARGS="-k error_codes"`).

| code | status | message | answered by |
|---|---|---|---|
"""


_TOLD = {"code", "status", "message"}


@dataclass(frozen=True, order=True)
class Error:
    code: str
    status: int
    message: str
    where: str


def errors_in(file: Path, where: str) -> Iterator[Error]:
    """Errors of classes that say ``code``, with the status and message of their base where they say none."""
    said: dict[str, dict[str, object]] = {}
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ClassDef):
            base = node.bases[0].id if node.bases and isinstance(node.bases[0], ast.Name) else ""
            own = {**said.get(base, {}), **dict(_assignments(node))}
            said[node.name] = own
            if any(name == "code" for name, _ in _assignments(node)):
                yield Error(str(own["code"]), int(str(own["status"])), str(own["message"]), where)


def _assignments(node: ast.ClassDef) -> Iterator[tuple[str, object]]:
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            names = ast.unparse(statement.targets[0]).strip("()").split(", ")
            if _TOLD.isdisjoint(names):
                continue
            values = ast.literal_eval(statement.value)
            yield from zip(names, values if len(names) > 1 else [values], strict=True)
        elif isinstance(statement, ast.AnnAssign) and statement.value:
            name = ast.unparse(statement.target)
            if name in _TOLD:
                yield name, ast.literal_eval(statement.value)


def every_error() -> list[Error]:
    found = set(errors_in(CHASSIS / "chassis" / "errors.py", EVERYWHERE))
    found |= {
        Error("METHOD_NOT_ALLOWED", 405, "This route does not take that method.", EVERYWHERE),
        Error("PAYLOAD_TOO_LARGE", 413, "The body is too large.", EVERYWHERE),
    }
    for service in SERVICES:
        file = service.folder / service.package / "errors.py"
        if file.exists():
            found |= set(errors_in(file, service.folder_name))
    # what every service answers comes first, so that its message is the one shown
    return sorted(found, key=lambda error: (error.code, error.where != EVERYWHERE, error.where))


def document(errors: list[Error]) -> str:
    rows: dict[str, list[Error]] = {}
    for error in errors:
        rows.setdefault(error.code, []).append(error)
    lines = (
        f"| `{code}` | {same[0].status} | {same[0].message} | {', '.join(dict.fromkeys(e.where for e in same))} |\n"
        for code, same in rows.items()
    )
    return HEADING + "".join(lines)


def test_the_page_lists_every_error() -> None:
    page = document(every_error())
    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(page)
    assert DOCUMENT.read_text() == page


def test_a_code_means_one_status() -> None:
    statuses: dict[str, set[int]] = {}
    for error in every_error():
        statuses.setdefault(error.code, set()).add(error.status)
    assert {code: found for code, found in statuses.items() if len(found) > 1} == {}
