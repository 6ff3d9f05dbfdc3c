"""What every client meets at the door."""

import json
from pathlib import Path

import pytest
import requests

from devkit.layout import ROOT, SERVICES
from devkit.suite import Instance
from tests.client import Gateway, Person

ROUTES = [
    (file.stem, route["method"], route["path"], route["access"])
    for file in sorted(Path(ROOT, "contracts", "routes").glob("*.json"))
    for route in json.loads(file.read_text())
]
PROTECTED = [route for route in ROUTES if route[3] != "public"]


def concrete(path: str) -> str:
    """The route with every parameter filled by an id that nothing has."""
    fillings = {"{date}": "2030-01-01"}
    parts = (fillings.get(part, "0" * 32) if part.startswith("{") else part for part in path.split("/"))
    return "/".join(parts)


def test_an_unknown_route_is_answered_in_the_envelope(gateway: Gateway) -> None:
    answer = gateway.call("GET", "/no/such/route", headers={"X-Request-Id": "a-request-of-mine"})
    answer.expect(404, "NOT_FOUND")
    assert answer.body["success"] is False
    assert answer.body["requestId"] == answer.headers["X-Request-Id"] == "a-request-of-mine"


def test_a_known_route_names_the_methods_it_takes(gateway: Gateway) -> None:
    assert "POST" in gateway.call("DELETE", "/auth/login").expect(405, "METHOD_NOT_ALLOWED").headers["Allow"]


@pytest.mark.parametrize(("service", "method", "path", "access"), PROTECTED)
def test_without_a_token_nothing_protected_answers(
    gateway: Gateway, service: str, method: str, path: str, access: str
) -> None:
    gateway.call(method, concrete(path)).expect(401, "TOKEN_MISSING")
    gateway.call(method, concrete(path), token="not.a.token").expect(401, "TOKEN_INVALID")


def test_each_role_is_kept_out_of_what_is_not_its_own(gateway: Gateway, admin: Person) -> None:
    patient, doctor = gateway.sign_up("Ann Lee"), gateway.sign_up("Ben Ito", role="doctor")
    people = {"patient": patient, "doctor": doctor, "admin": admin}
    for _, method, path, access in PROTECTED:
        for role, person in people.items():
            if access != "self" and role not in access.split("|"):
                person.call(method, concrete(path)).expect(403, "FORBIDDEN")


def test_the_services_refuse_what_the_gateway_did_not_check(suite: Instance, gateway: Gateway) -> None:
    port = suite.ports["user"]
    answer = requests.get(f"http://127.0.0.1:{port}/api/v1/users/me", headers={"X-User-Id": "admin"}, timeout=10)
    assert answer.status_code == 401


def test_health_names_every_service(gateway: Gateway) -> None:
    answer = requests.get(f"{gateway.url}/health/ready", timeout=10)
    assert answer.status_code == 200
    assert set(answer.json()["data"]["checks"]) == {service.folder_name for service in SERVICES} - {"gateway"}
