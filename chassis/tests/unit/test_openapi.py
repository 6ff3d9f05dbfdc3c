"""A service's document says what its routes declare."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from chassis.api import operations
from chassis.openapi import document


@pytest.fixture
def told(app: Flask) -> dict[str, Any]:
    return document(app, "thing-service")


def test_it_is_openapi_and_has_every_operation(app: Flask, told: dict[str, Any]) -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(told).iter_errors()] == []
    assert sum(map(len, told["paths"].values())) == len(list(operations(app)))


def test_what_comes_in_is_told_with_its_limits(told: dict[str, Any]) -> None:
    made, listed = told["paths"]["/api/v1/things"]["post"], told["paths"]["/api/v1/things"]["get"]
    body = made["requestBody"]["content"]["application/json"]["schema"]
    assert told["components"]["schemas"][body["$ref"].rpartition("/")[2]]["additionalProperties"] is False
    assert {"limit", "cursor", "since", "onlyBig"} <= {one["name"] for one in listed["parameters"]}
    (limit,) = (one["schema"] for one in listed["parameters"] if one["name"] == "limit")
    assert (limit["type"], limit["minimum"], limit["maximum"], limit["default"]) == ("integer", 1, 100, 20)
    (identifier,) = told["paths"]["/api/v1/things/{id}"]["get"]["parameters"]
    assert (identifier["name"], identifier["in"], identifier["required"]) == ("id", "path", True)


def test_who_may_call_and_what_is_refused_are_told(told: dict[str, Any]) -> None:
    staff, public = told["paths"]["/api/v1/staff"]["get"], told["paths"]["/api/v1/broken"]["get"]
    assert staff["security"] == [{"accessToken": []}]
    assert staff["description"].endswith("For: admin, doctor.")
    codes = staff["responses"]["401"]["content"]["application/json"]["schema"]["allOf"][1]["properties"]["code"]["enum"]
    assert codes == ["TOKEN_EXPIRED", "TOKEN_INVALID", "TOKEN_MISSING", "TOKEN_REVOKED"]
    assert public["security"] == []
    assert "401" not in public["responses"]
    assert "Retry-After" in public["responses"]["503"]["headers"]
    assert told["paths"]["/api/v1/file"]["get"]["responses"]["200"]["content"].keys() == {
        "text/calendar; charset=utf-8"
    }


def test_a_service_tells_it_itself(client: FlaskClient, told: dict[str, Any]) -> None:
    assert client.get("/openapi.json").json == told
