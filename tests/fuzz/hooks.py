"""What schemathesis is told of this suite: who calls what, and one check of its own. Loaded by SCHEMATHESIS_HOOKS."""

import ast
import json
import os
from functools import cache, partialmethod, wraps
from threading import Lock
from typing import Any

import schemathesis
from requests.adapters import HTTPAdapter

from devkit.layout import ROOT
from tests.client import Gateway, Person

_GATEWAY = Gateway(os.environ["FUZZ_URL"])
_REFRESH_SECONDS = 600
"""Before an access token expires, in 15 minutes."""

# Tries that fail are counted by address: these shall not be held against whoever else tries the suite just now.
HTTPAdapter.init_poolmanager = partialmethod(HTTPAdapter.init_poolmanager, source_address=("127.0.0.3", 0))

_parse, _parsing = ast.parse, Lock()


@wraps(_parse)
def _parse_alone(*args: Any, **kwargs: Any) -> ast.AST:
    with _parsing:
        return _parse(*args, **kwargs)


# CPython 3.11 counts the depth of the tree that it builds for all threads together, and Hypothesis's callback in the
# garbage collection lets another thread in meanwhile: "AST constructor recursion depth mismatch" (cpython#106905).
ast.parse = _parse_alone

_ENDS_ITS_SESSION = {"/auth/logout", "/auth/logout-all", "/auth/password", "/users/me"}

_RULES = {
    # what the schema of a field cannot say
    "cursor": "opaque: of this list or of none",
    "from": "before to, and not too far",
    "to": "after from, and not too far",
    "date": "not in the past",
    "password": "not easy to guess",
    "newPassword": "not easy to guess",
    "timezone": "of the IANA's list",
    "weekly": "windows of a day do not overlap",
    "windows": "likewise",
}
_MESSAGES = {
    "must hold a letter or a digit",
    "must have at most two decimals",
    "must not be before 1900",
    # to JSON Schema 5.0 is an integer, too
    "Input should be a valid integer",
    # of blanks alone, which are taken off
    "String should have at least 1 character",
}


@cache
def _routes() -> dict[tuple[str, str], str]:
    files = (ROOT / "contracts" / "routes").glob("*.json")
    return {(r["method"], "/api/v1" + r["path"]): r["access"] for file in files for r in json.loads(file.read_text())}


def _role(case: schemathesis.Case) -> str:
    access = _routes().get((case.method, case.operation.path), "public")
    return access if access in ("doctor", "admin") else "patient"


def _somebody(role: str) -> Person:
    if role == "admin":
        return _GATEWAY.log_in(os.environ["FUZZ_ADMIN_EMAIL"], os.environ["FUZZ_ADMIN_PASSWORD"])
    return _GATEWAY.sign_up("Fuzzy Fellow", role=role)


@schemathesis.auth(refresh_interval=_REFRESH_SECONDS, cache_by_key=lambda case, _context: _role(case))
class Caller:
    """Each route is called by somebody who may; what the others get is in the table of tests/authorization."""

    def get(self, case: schemathesis.Case, _context: Any) -> str:
        given = json.loads(os.environ.get("FUZZ_TOKENS", "{}"))
        return str(given.get(_role(case)) or _somebody(_role(case)).tokens["accessToken"])

    def set(self, case: schemathesis.Case, data: str, _context: Any) -> None:
        path = case.operation.path.removeprefix("/api/v1")
        if path in _ENDS_ITS_SESSION and case.method in ("POST", "DELETE") and "FUZZ_TOKENS" not in os.environ:
            data = _somebody(_role(case)).tokens["accessToken"]
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.check
def refusals_are_by_a_rule(_context: Any, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """What has the right shape may be refused by a rule that the schema cannot tell, and by no other."""
    meta = case.meta
    if response.status_code != 422 or meta is None or not meta.generation.mode.is_positive:
        return
    body = response.json()
    if body["code"] == "VALIDATION_FAILED" and not body.get("errors"):
        raise AssertionError("refused for nothing")
    for error in body.get("errors", ()):
        if error["field"].split(".")[0] not in _RULES and error["message"] not in _MESSAGES:
            raise AssertionError(f"refused for its shape: {error}")
