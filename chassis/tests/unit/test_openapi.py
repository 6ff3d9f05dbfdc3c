"""A service's document says what its routes declare."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from chassis.api import operations
from chassis.errors import AppError
from chassis.openapi import document, refusals
from devkit.explained import bad_examples, undescribed


class TooMany(AppError):
    status, code, message = 429, "TOO_MANY", "Wait a little."


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


def test_an_answer_tells_its_headers_and_each_status_of_a_success(told: dict[str, Any]) -> None:
    made = told["paths"]["/api/v1/things"]["post"]["responses"]
    assert made["201"]["headers"].keys() == made["200"]["headers"].keys() == {"ETag", "X-Request-Id"}
    assert made["503"]["headers"].keys() == {"Retry-After", "X-Request-Id"}
    assert refusals([TooMany])["429"]["headers"].keys() == {"Retry-After", "X-Request-Id"}


@pytest.mark.parametrize("path", ["undeclared", "missing", "accepted"])
def test_an_answer_that_is_not_as_declared_fails_the_test_that_asks_for_it(client: FlaskClient, path: str) -> None:
    assert client.get(f"/api/v1/{path}").status_code == 500


def test_a_description_that_several_fields_share_is_each_fields_own(told: dict[str, Any]) -> None:
    at = told["components"]["schemas"]["thing-service.ThingBody"]["properties"]["at"]
    assert at["description"] == "RFC 3339 with an offset, which is taken to UTC."


def test_what_has_no_description_is_named(told: dict[str, Any]) -> None:
    found = undescribed(told)
    assert "#/components/schemas/thing-service.ThingBody/properties/size" in found
    assert "#/paths//api/v1/things/{id}/get/parameters/id" in found
    assert not [where for where in found if where.endswith(("/zone", "/at", "/onlyBig", "/message", "/limit"))]


def test_an_example_that_the_route_would_refuse_is_named(app: Flask) -> None:
    assert [problem.partition(":")[0] for problem in bad_examples(app, document(app, "thing-service"))] == [
        "POST /things"
    ] * 3


def test_a_service_tells_it_itself(client: FlaskClient, told: dict[str, Any]) -> None:
    assert client.get("/openapi.json").json == told
