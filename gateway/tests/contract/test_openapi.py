"""The document of the whole suite, from the contracts as they are."""

import json
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from chassis import health, web
from chassis.config import CONTRACTS_IN_CHECKOUT
from devkit.explained import undescribed
from gateway.config import Config
from gateway.console import console
from gateway.documentation import joined, pages

SERVICES = [
    name.removesuffix("_url").replace("_", "-") for name in Config.model_fields if name.endswith("_service_url")
]
ACCESS = {
    (route["method"], "/api/v1" + route["path"]): route["access"]
    for file in (CONTRACTS_IN_CHECKOUT / "routes").glob("*.json")
    for route in json.loads(file.read_text())
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return joined(CONTRACTS_IN_CHECKOUT / "openapi", SERVICES)


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, found in document["paths"].items()
        for method, operation in found.items()
    }


def test_it_is_openapi(document: dict[str, Any]) -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_it_has_every_route_and_no_other(
    document: dict[str, Any], operations: dict[tuple[str, str], dict[str, Any]]
) -> None:
    app = Flask("gateway")
    for blueprint in (health.blueprint({}), web.METRICS, pages(document), console()):
        app.register_blueprint(blueprint)
    # what the pages load is no route of the API
    loaded = ("/docs/", "/console/", "/static/")
    own = {("GET", rule.rule) for rule in app.url_map.iter_rules() if not rule.rule.startswith(loaded)}
    assert operations.keys() == ACCESS.keys() | own


def test_it_explains_every_field_parameter_and_header(document: dict[str, Any]) -> None:
    assert undescribed(document) == []


def test_a_token_is_asked_for_where_a_route_is_not_public(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    asked = {key for key, operation in operations.items() if operation["security"]}
    assert asked == {key for key, access in ACCESS.items() if access != "public"}


def test_no_two_operations_share_a_name(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    names = [operation["operationId"] for operation in operations.values()]
    assert len(set(names)) == len(names)


def test_what_only_the_gateway_answers_is_told(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert {"502", "504"} <= operations["GET", "/api/v1/doctors"]["responses"].keys()
    assert "413" in operations["POST", "/api/v1/appointments"]["responses"]
    assert "413" not in operations["GET", "/api/v1/doctors"]["responses"]
