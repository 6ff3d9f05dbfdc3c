"""Each kind of change to the contracts, made to a copy of the released ones: refused or allowed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from pickle import dumps, loads
from shutil import copytree
from typing import Any

import pytest

from devkit.contracts import evolution, shapes, sides
from devkit.contracts.command import verdict
from devkit.contracts.sides import Side, Sides

RELEASED = sides.released()
JSON = "application/json"
Change = Callable[[Any], object]


class Copies(dict[str, Side]):
    """This checkout's sides, as if nothing had changed since the release; what is asked for by name can be changed."""

    def __getitem__(self, name: str) -> Side:
        if self.get(name) is RELEASED[name]:
            self[name] = loads(dumps(RELEASED[name]))
        return super().__getitem__(name)


@pytest.fixture
def here() -> Sides:
    return Copies(RELEASED)


def breaks(changed: Side, readers: Sides = RELEASED) -> str:
    return "\n".join(evolution.breaks(RELEASED[changed.name], changed, readers))


def data(side: Side, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = side.schemas[kind]["properties"]["data"]
    return found


def operation(side: Side, method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = side.openapi["paths"][f"/api/v1{path}"][method]
    return found


def shape(side: Side, name: str) -> dict[str, Any]:
    found: dict[str, Any] = side.openapi["components"]["schemas"][f"{side.name}.{name}"]
    return found


def test_what_was_released_does_not_break_itself(here: Sides) -> None:
    assert [breaks(side) for side in here.values()] == [""] * 7


# -- events ---------------------------------------------------------------------------------------------------------


def remove(field: str) -> Change:
    def change(data: Any) -> None:
        del data["properties"][field]
        data["required"].remove(field)

    return change


def rename(field: str, name: str) -> Change:
    def change(data: Any) -> None:
        data["properties"][name] = data["properties"].pop(field)
        data["required"] = [name if each == field else each for each in data["required"]]

    return change


def say(field: str, **words: Any) -> Change:
    return lambda data: data["properties"][field].update(words)


def make(field: str, **schema: Any) -> Change:
    return lambda data: data["properties"].update({field: schema})


def require(field: str) -> Change:
    return lambda data: data["required"].append(field)


@pytest.mark.parametrize(
    ("name", "kind", "change", "said"),
    [
        ("review-service", "review-posted", remove("rating"), "data.rating was removed"),
        ("review-service", "review-posted", rename("rating", "stars"), "data.rating was removed"),
        ("review-service", "review-posted", make("rating", type="string"), "data.rating may be string now"),
        ("review-service", "review-posted", say("rating", maximum=4), "data.rating may be above maximum 4"),
        ("review-service", "review-posted", say("rating", maximum=10), "data.rating may be above maximum 5 now"),
        ("review-service", "review-posted", say("rating", multipleOf=2), "data.rating has another multipleOf"),
        ("doctor-service", "doctor-updated", require("clinic"), "data.clinic may be missing as it was released"),
        (
            "doctor-service",
            "doctor-updated",
            lambda data: data["required"].remove("visible"),
            "data.visible may be missing",
        ),
        ("doctor-service", "doctor-updated", make("active", type=["boolean", "null"]), "data.active may be null"),
        (
            "doctor-service",
            "doctor-updated",
            lambda data: data["properties"]["moderationStatus"]["enum"].append("PAUSED"),
            "data.moderationStatus may be PAUSED now, and appointment-service 1.0.0, review-service 1.0.0 branches",
        ),
        (
            "auth-service",
            "password-changed",
            lambda data: data["properties"]["by"]["enum"].append("ADMIN"),
            "scheduler-service 1.0.0 reads password-changed of auth-service 1.0.0: data.by may be ADMIN",
        ),
        (
            "appointment-service",
            "appointment-cancelled",
            lambda data: data["properties"]["cause"]["enum"].append("weather"),
            "data.cause may be weather now, and scheduler-service 1.0.0 branches on it",
        ),
        (
            "appointment-service",
            "appointment-cancelled",
            lambda data: data["properties"]["by"]["enum"].remove("system"),
            "data.by may be system as it was released",
        ),
        ("appointment-service", "appointment-booked", say("status", const="CONFIRMED"), "data.status may be CONFIRMED"),
        (
            "appointment-service",
            "appointment-booked",
            lambda data: (make("room", type="string")(data), require("room")(data)),
            "data.room is not told as it was released",
        ),
        ("user-service", "user-deleted", lambda data: data.update(additionalProperties=False), ""),
    ],
)
def test_an_event_that_old_consumers_would_trip_over_is_refused(
    here: Sides, name: str, kind: str, change: Change, said: str
) -> None:
    change(data(here[name], kind))
    assert breaks(here[name])
    assert said in breaks(here[name])


def test_what_lies_deep_in_an_event_counts(here: Sides) -> None:
    calendar = here["doctor-service"].schemas["doctor-updated"]["$defs"]["calendar"]
    calendar["properties"]["unattendedOutcome"]["enum"].append("UNKNOWN")
    assert "data.calendar.unattendedOutcome may be UNKNOWN now, and appointment-service" in breaks(
        here["doctor-service"]
    )
    calendar["properties"]["unattendedOutcome"]["enum"].remove("UNKNOWN")
    del calendar["properties"]["weekly"]["items"]["properties"]["weekday"]
    assert "data.calendar.weekly.[].weekday was removed" in breaks(here["doctor-service"])


def test_an_example_that_the_other_schema_refuses_is_refused(here: Sides) -> None:
    here["review-service"].examples["review-posted"]["data"]["rating"] = 6
    assert "review-posted: the example is none by the released schema: $.data.rating" in breaks(here["review-service"])


def test_an_event_may_go_when_nobody_that_was_released_reads_it(here: Sides) -> None:
    del here["review-service"].schemas["review-changed"]
    assert "review-changed is published no more, and doctor-service 1.0.0 reads it" in breaks(here["review-service"])
    del here["doctor-service"].statement["reads"]["review-service"]["review-changed"]
    assert breaks(here["review-service"], readers=here) == ""


@pytest.mark.parametrize(
    ("name", "kind", "change"),
    [
        ("review-service", "review-posted", make("photos", type="array", items={"type": "string"})),
        ("review-service", "review-posted", say("rating", description="One to five.")),
        # who hears of it does not read why
        ("auth-service", "session-revoked", lambda data: data["properties"]["reason"]["enum"].append("EXPIRED")),
        # who reads it hands it on as it is
        ("user-service", "user-updated", lambda data: data["properties"]["role"].update(description="What for.")),
    ],
)
def test_an_event_may_get_what_nobody_trips_over(here: Sides, name: str, kind: str, change: Change) -> None:
    change(data(here[name], kind))
    assert breaks(here[name]) == ""


def test_a_second_major_is_an_event_of_its_own(tmp_path: Path) -> None:
    contracts = tmp_path / "contracts"
    copytree(sides.CONTRACTS, contracts)
    for what in ("schema", "example"):
        first = contracts / "events" / f"review-posted.v1.{what}.json"
        (contracts / "events" / f"review-posted.v2.{what}.json").write_text(first.read_text())
    side = sides.of_checkout(contracts)["review-service"]
    assert {"review-posted", "review-posted.v2"} <= side.schemas.keys()
    sides.keep(side, "0" * 40, contracts)
    assert sides.released(contracts)["review-service"] == side


def test_a_new_event_is_allowed(here: Sides) -> None:
    side = here["review-service"]
    side.schemas["review-praised"] = side.schemas["review-posted"]
    side.examples["review-praised"] = side.examples["review-posted"]
    assert breaks(side) == ""


# -- routes and their document --------------------------------------------------------------------------------------


def route(side: Side, method: str, path: str) -> dict[str, Any]:
    return next(route for route in side.routes if (route["method"], route["path"]) == (method, path))


def test_a_route_may_come_and_be_for_more_but_not_go_or_be_for_fewer(here: Sides) -> None:
    side = here["review-service"]
    side.routes.append({"method": "GET", "path": "/reviews/best", "access": "admin"})
    route(side, "DELETE", "/reviews/{id}/reply")["access"] = "doctor|admin"
    route(side, "GET", "/reviews/{id}")["access"] = "public"
    assert breaks(side) == ""
    route(side, "GET", "/doctors/{id}/rating")["access"] = "self"
    assert "GET /doctors/{id}/rating was for public, and is for self now" in breaks(side)
    route(side, "DELETE", "/reviews/{id}")["access"] = "patient"
    assert "DELETE /reviews/{id} was for self, and is for patient now" in breaks(side)
    side.routes.remove(route(side, "POST", "/reviews/{id}/report"))
    assert "POST /reviews/{id}/report is gone" in breaks(side)


def answer(side: Side, status: str = "200", method: str = "get", path: str = "/admin/reviews") -> dict[str, Any]:
    found: dict[str, Any] = operation(side, method, path)["responses"][status]
    return found


def header(side: Side, name: str) -> dict[str, Any]:
    found: dict[str, Any] = side.openapi["components"]["headers"][name]
    return found


def error(side: Side) -> dict[str, Any]:
    found: dict[str, Any] = side.openapi["components"]["schemas"]["Error"]
    return found


def codes(side: Side, status: str) -> list[str]:
    schema = answer(side, status)["content"]["application/json"]["schema"]
    found: list[str] = schema["allOf"][1]["properties"]["code"]["enum"]
    return found


def test_a_value_that_an_answer_never_had_is_refused(here: Sides) -> None:
    statuses = shape(here["appointment-service"], "Status")["enum"]
    statuses.append("LOST")
    assert "status may be LOST now" in breaks(here["appointment-service"])


REFUSED: list[tuple[Change, str]] = [
    (lambda side: shape(side, "ReviewBody")["required"].append("comment"), "body: comment may be missing"),
    (lambda side: shape(side, "ReviewBody")["properties"]["rating"].update(maximum=4), "body: rating may be above"),
    (lambda side: shape(side, "ReviewBody")["properties"].pop("comment"), "body: comment is not known"),
    (lambda side: shape(side, "ReviewBody")["properties"].update(rating={"type": "string"}), "body: rating may be"),
    (
        lambda side: (
            shape(side, "ReviewBody")["properties"].update(mood={"type": "string"}),
            shape(side, "ReviewBody")["required"].append("mood"),
        ),
        "body: mood is not told",
    ),
    (lambda side: operation(side, "put", "/reviews/{id}/reply").pop("requestBody"), "a body is taken no more"),
    (lambda side: operation(side, "get", "/admin/reviews")["parameters"].pop(0), "parameter limit is taken no more"),
    (
        lambda side: operation(side, "get", "/admin/reviews")["parameters"][0]["schema"].update(maximum=50),
        "parameter limit: it may be above maximum 50",
    ),
    (
        lambda side: operation(side, "get", "/admin/reviews")["parameters"].append(
            {"name": "since", "in": "query", "required": True, "schema": {"type": "string"}}
        ),
        "parameter since is new, and required",
    ),
    (
        lambda side: operation(side, "get", "/admin/reviews")["parameters"][0].update(required=True),
        "parameter limit is required now",
    ),
    (lambda side: shape(side, "ModeratedReview")["properties"].pop("rating"), "200: data.items.[].rating is gone"),
    (lambda side: shape(side, "ModeratedReview")["required"].remove("rating"), "rating may be missing now"),
    (lambda side: shape(side, "ModeratedReview")["properties"]["rating"].update(type="number"), "rating may be number"),
    (lambda side: answer(side)["headers"].pop("X-Request-Id"), "200: the header X-Request-Id is gone"),
    (
        lambda side: operation(side, "get", "/admin/reviews")["responses"].update({"202": answer(side)}),
        "202: a success that it was not",
    ),
    (lambda side: operation(side, "get", "/admin/reviews")["responses"].pop("200"), "200: is answered no more"),
    (lambda side: header(side, "Retry-After")["schema"].update(type="string"), "header Retry-After: it may be string"),
    (lambda side: header(side, "Retry-After")["schema"].pop("minimum"), "header Retry-After: it may be below minimum"),
    (lambda side: header(side, "ETag").update(required=False), "header ETag: it may be missing now"),
    (lambda side: error(side)["properties"].pop("errors"), "422: errors is gone"),
    (lambda side: error(side)["properties"].update(message={"type": "integer"}), "422: message may be integer now"),
    (
        lambda side: operation(side, "put", "/reviews/{id}/reply")["requestBody"]["content"].update(
            {"text/plain": operation(side, "put", "/reviews/{id}/reply")["requestBody"]["content"].pop(JSON)}
        ),
        "a body of application/json is taken no more",
    ),
    (
        lambda side: operation(side, "delete", "/reviews/{id}").update(
            requestBody={**operation(side, "put", "/reviews/{id}/reply")["requestBody"], "required": True}
        ),
        "DELETE /api/v1/reviews/{id}: a body is required now",
    ),
    (
        lambda side: answer(side)["content"].update({"text/plain": answer(side)["content"].pop(JSON)}),
        "200: application/json is answered no more",
    ),
    (lambda side: codes(side, "401").remove("TOKEN_REVOKED"), "401: code may be TOKEN_REVOKED no more"),
    (lambda side: operation(side, "get", "/admin/reviews")["responses"].pop("403"), "403: is answered no more"),
    (
        lambda side: shape(side, "ModeratedReview")["properties"].update(author={"type": ["string", "null"]}),
        "author may be null now",
    ),
]


@pytest.mark.parametrize(("change", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_a_document_that_a_client_would_trip_over_is_refused(here: Sides, change: Change, said: str) -> None:
    change(here["review-service"])
    assert said in breaks(here["review-service"])


@pytest.mark.parametrize(
    "change",
    [
        lambda side: shape(side, "ReviewBody")["properties"].update(mood={"type": "string"}),
        lambda side: shape(side, "ReviewBody")["properties"]["rating"].update(maximum=10),
        lambda side: shape(side, "ReviewBody")["required"].remove("rating"),
        lambda side: shape(side, "ModeratedReview")["properties"].update(mood={"type": "string"}),
        lambda side: shape(side, "ModeratedReview")["required"].append("mood"),
        lambda side: operation(side, "get", "/admin/reviews")["parameters"].append(
            {"name": "since", "in": "query", "required": False, "schema": {"type": "string"}}
        ),
        lambda side: codes(side, "403").append("ACCOUNT_SUSPENDED"),
        lambda side: operation(side, "get", "/admin/reviews")["responses"].update({"409": answer(side, "403")}),
        lambda side: answer(side)["headers"].update({"ETag": {}}),
        lambda side: operation(side, "get", "/admin/reviews").update(summary="Other words."),
    ],
)
def test_a_document_may_get_what_no_client_trips_over(here: Sides, change: Change) -> None:
    change(here["review-service"])
    assert breaks(here["review-service"]) == ""


# -- calls ----------------------------------------------------------------------------------------------------------


def method(side: Side, name: str) -> dict[str, Any]:
    found: dict[str, Any] = side.statement["answers"][name]
    return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda side: side.statement["answers"].pop("contact"),
            "scheduler-service 1.0.0 calls contact of user-service 1.0.0, which has no such method",
        ),
        (
            lambda side: method(side, "contact")["arguments"].update(
                purpose={"required": True, "schema": {"type": "string"}}
            ),
            "it wants an argument purpose",
        ),
        (
            lambda side: method(side, "purge_due_accounts")["arguments"].pop("limit"),
            "calls purge_due_accounts of user-service 1.0.0: it takes no argument limit",
        ),
        (
            lambda side: method(side, "contact")["arguments"].update(
                user_id={"required": True, "schema": {"type": "integer"}}
            ),
            "argument user_id: it may be string",
        ),
        (
            lambda side: method(side, "contact")["answer"]["required"].remove("email"),
            "calls contact of user-service 1.0.0: the answer's email may be missing",
        ),
        (
            lambda side: method(side, "contact")["answer"]["$defs"]["Status"]["enum"].append("PAUSED"),
            "contact: status may be PAUSED now, and scheduler-service 1.0.0 branches on it",
        ),
        (
            lambda side: side.statement["internal"].pop("/internal/closures"),
            "gateway 1.0.0 fetches /internal/closures of user-service 1.0.0, which has no such endpoint",
        ),
        (
            lambda side: side.statement["internal"]["/internal/accounts/{id}"]["properties"].update(
                active={"type": "string"}
            ),
            "gateway 1.0.0 fetches /internal/accounts/{id} of user-service 1.0.0: active may be string",
        ),
        *(
            (
                lambda side, users=users: side.statement["internal"]["/internal/closures"]["properties"].update(
                    users=users
                ),
                "gateway 1.0.0 fetches /internal/closures of user-service 1.0.0: users.[] may be anything",
            )
            for users in ({"type": "object", "additionalProperties": True}, {"type": "object"})
        ),
    ],
)
def test_an_answer_that_a_released_caller_would_miss_is_refused(here: Sides, change: Change, said: str) -> None:
    change(here["user-service"])
    assert said in breaks(here["user-service"])


@pytest.mark.parametrize(
    "change",
    [
        lambda side: method(side, "contact")["arguments"].update(why={"required": False, "schema": {"type": "string"}}),
        # nobody reads it
        lambda side: method(side, "contact")["answer"]["properties"].pop("locale"),
        lambda side: method(side, "recover_account")["answer"]["$defs"]["Status"]["enum"].append("PAUSED"),
        lambda side: side.statement["answers"].update(new=method(side, "contact")),
    ],
)
def test_an_answer_may_change_where_no_released_caller_looks(here: Sides, change: Change) -> None:
    change(here["user-service"])
    assert breaks(here["user-service"]) == ""


def test_what_is_kept_of_a_release_is_what_is_compared_with(tmp_path: Path) -> None:
    contracts = tmp_path / "contracts"
    copytree(sides.CONTRACTS, contracts)
    present = replace(sides.of_checkout()["review-service"], version="9.9.9")
    sides.keep(present, "0" * 40, contracts)
    assert sides.released(contracts)["review-service"] == present


# -- single schemas -------------------------------------------------------------------------------------------------


def an(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties]}


@pytest.mark.parametrize(
    ("reader", "writer", "said"),
    [
        ({"type": "integer", "minimum": 1}, {"type": "integer"}, ["it may be below minimum 1"]),
        ({"type": "string", "minLength": 2}, {"type": "string", "minLength": 1}, ["it may be below minLength 2"]),
        ({"type": "string", "maxLength": 2}, {"type": "string"}, ["it may be above maxLength 2"]),
        ({"type": "string", "maxLength": 2}, {"type": "string", "maxLength": 1}, []),
        ({"type": "string", "format": "date"}, {"type": "string"}, ["it has another format: 'none', not 'date'"]),
        ({"enum": ["a"]}, {"type": "string"}, ["it may be more than a"]),
        (
            {"type": "array", "items": {"type": "string"}},
            {"type": "array", "items": {"type": "integer"}},
            ["[] may be integer"],
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            an(a={"type": "integer"}),
            ["a may be integer"],
        ),
        ({"type": "object", "additionalProperties": False}, {"type": "object"}, ["[] is not taken"]),
        (
            {"allOf": [{"type": "integer", "minimum": 1}, {"minimum": 5}]},
            {"type": "integer", "minimum": 3},
            ["it has another minimum and: 'none', not 5"],
        ),
    ],
)
def test_what_a_reader_does_not_take_is_told(reader: Any, writer: Any, said: list[str]) -> None:
    assert [str(misfit) for misfit in shapes.misfits(reader, writer)] == said


def test_only_what_is_marked_is_branched_on() -> None:
    reader = an(status={"type": "string", "x-branches": True}, note={"type": "string"}, all=an(deep={"type": "string"}))
    reader["properties"]["all"]["x-branches"] = True
    paths = [("status",), ("note",), ("all", "deep"), ("other",)]
    assert [shapes.branches_at(reader, path) for path in paths] == [True, False, True, False]


# -- one after the other --------------------------------------------------------------------------------------------


def test_of_a_new_event_the_publisher_goes_first(here: Sides) -> None:
    review, doctor = here["review-service"], here["doctor-service"]
    review.schemas["review-praised"] = review.schemas["review-posted"]
    review.examples["review-praised"] = review.examples["review-posted"]
    reads = doctor.statement["reads"]["review-service"]
    reads["review-praised"] = reads["review-posted"]
    assert verdict("doctor-service", here, RELEASED) == [
        "doctor-service 1.0.0 reads review-praised, which review-service 1.0.0 does not publish"
    ]
    assert verdict("review-service", here, RELEASED) == []
    assert verdict("doctor-service", here, {**RELEASED, "review-service": review}) == []


def test_a_service_may_read_its_own_new_event(here: Sides) -> None:
    side = here["appointment-service"]
    for part in (side.schemas, side.examples, side.statement["reads"]["appointment-service"]):
        part["appointment-praised"] = part["appointment-booked"]
    assert verdict("appointment-service", here, RELEASED) == []


def test_of_a_new_method_who_answers_goes_before_who_asks(here: Sides) -> None:
    here["user-service"].statement["answers"]["languages"] = method(here["user-service"], "contact")
    asks = here["scheduler-service"].statement["asks"]
    asks.append({**next(ask for ask in asks if ask["method"] == "contact"), "method": "languages"})
    assert len(verdict("scheduler-service", here, RELEASED)) == 1
    assert verdict("user-service", here, RELEASED) == []
    assert verdict("scheduler-service", here, {**RELEASED, "user-service": here["user-service"]}) == []


def test_of_a_new_route_the_service_goes_before_the_gateway(here: Sides) -> None:
    here["review-service"].routes.append({"method": "GET", "path": "/reviews/best", "access": "admin"})
    assert verdict("gateway", here, RELEASED) == [
        "it routes GET /reviews/best, which review-service 1.0.0 does not serve"
    ]
    assert verdict("review-service", here, RELEASED) == []
    assert verdict("gateway", here, {**RELEASED, "review-service": here["review-service"]}) == []


@pytest.mark.parametrize(
    "expect",
    [
        lambda statement: statement["asks"].append({**statement["asks"][0], "service": "nobody-service"}),
        lambda statement: statement["reads"].update({"nobody-service": {}}),
        lambda statement: statement["fetches"].update({"nobody-service": {}}),
    ],
)
def test_what_is_expected_of_a_service_that_was_never_released_is_told(here: Sides, expect: Change) -> None:
    expect(here["scheduler-service"].statement)
    assert verdict("scheduler-service", here, RELEASED) == [
        "scheduler-service 1.0.0 expects something of nobody-service, which was never released"
    ]


def test_a_service_that_was_never_released_goes_before_who_reads_or_routes_it(here: Sides) -> None:
    others = {name: side for name, side in RELEASED.items() if name != "review-service"}
    assert "doctor-service 1.0.0 expects something of review-service, which was never released" in verdict(
        "doctor-service", here, others
    )
    assert "it routes GET /reviews/{id}, which review-service, which was never released, does not serve" in verdict(
        "gateway", here, others
    )
    assert verdict("review-service", here, others) == []
