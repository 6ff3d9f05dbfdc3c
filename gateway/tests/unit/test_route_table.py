"""Which service owns a path, and which paths there are at all."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RouteNotFound
from gateway.route_table import Route, RouteTable, RouteTableError, allowed_methods, path_of, segments_of


def table(*routes: tuple[str, str, str]) -> RouteTable:
    return RouteTable(Route(service, method, pattern, "self") for service, method, pattern in routes)


def found(routes: RouteTable, path: str) -> dict[str, str]:
    return {method: route.pattern for method, route in routes.find(segments_of(path)).items()}


ROUTES = table(
    ("doctors", "GET", "/doctors"),
    ("doctors", "GET", "/doctors/me"),
    ("doctors", "PUT", "/doctors/me"),
    ("doctors", "GET", "/doctors/{id}"),
    ("appointments", "GET", "/doctors/{doctorId}/slots"),
    ("appointments", "POST", "/calendar/feed"),
    ("appointments", "GET", "/calendar/{secret}.ics"),
)


def test_literal_text_goes_before_a_parameter() -> None:
    assert found(ROUTES, "/doctors/me") == {"GET": "/doctors/me", "PUT": "/doctors/me"}
    assert found(ROUTES, "/doctors/0123") == {"GET": "/doctors/{id}"}
    assert found(ROUTES, "/doctors/%6De") == found(ROUTES, "/doctors/me")


def test_a_literal_that_leads_nowhere_does_not_hide_the_parameter() -> None:
    assert found(ROUTES, "/doctors/me/slots") == {"GET": "/doctors/{doctorId}/slots"}


def test_a_parameter_may_have_a_suffix() -> None:
    assert found(ROUTES, "/calendar/s3cret.ics") == {"GET": "/calendar/{secret}.ics"}
    assert found(ROUTES, "/calendar/feed") == {"POST": "/calendar/feed"}
    with pytest.raises(RouteNotFound):
        found(ROUTES, "/calendar/s3cret.txt")


@pytest.mark.parametrize("path", ["/", "/doctors/", "/doctors/a/b", "/calendar", "/calendar/.ics", "/Doctors"])
def test_other_paths_are_not_there(path: str) -> None:
    with pytest.raises(RouteNotFound):
        found(ROUTES, path)


def test_allow_names_head_beside_get_and_options() -> None:
    assert list(allowed_methods(ROUTES.find(["doctors", "me"]))) == ["GET", "HEAD", "OPTIONS", "PUT"]
    assert list(allowed_methods(ROUTES.find(["calendar", "feed"]))) == ["OPTIONS", "POST"]


@pytest.mark.parametrize(
    ("one", "other"), [("/things/{id}", "/things/{thing}"), ("/a", "/a"), ("/{x}.ics", "/{y}.ics")]
)
def test_two_services_cannot_claim_one_route(one: str, other: str) -> None:
    with pytest.raises(RouteTableError, match=r"left-service and right-service both claim GET"):
        table(("left-service", "GET", one), ("right-service", "GET", other))


@pytest.mark.parametrize(
    "content", ["{", "[{}]", "[1]", '[{"method": "FETCH", "path": "/a", "access": "self"}]', '[{"method": "GET"}]']
)
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "user-service.json").write_text(content)
    with pytest.raises(RouteTableError, match=r"user-service\.json"):
        RouteTable.read(tmp_path, ["user-service"])


def test_a_route_may_have_a_timeout_of_its_own_and_what_is_no_route_none(tmp_path: Path) -> None:
    declared = [{"method": method, "path": "/things/{id}", "access": "self"} for method in ("GET", "PUT")]
    (tmp_path / "user-service.json").write_text(json.dumps(declared))
    read = RouteTable.read(tmp_path, ["user-service"], {"GET /things/{id}": 18.0})
    routes = read.find(segments_of("/api/v1/things/1"))
    assert {method: route.seconds for method, route in routes.items()} == {"GET": 18.0, "PUT": None}
    with pytest.raises(RouteTableError, match=r"ROUTE_TIMEOUTS: there is no DELETE /things/\{id\}, GET /thing$"):
        RouteTable.read(tmp_path, ["user-service"], {"GET /thing": 1.0, "DELETE /things/{id}": 2.0})


def test_a_file_of_no_service_is_named(tmp_path: Path) -> None:
    (tmp_path / "usr-service.json").write_text("[]")
    with pytest.raises(RouteTableError, match=r"usr-service\.json"):
        RouteTable.read(tmp_path, ["user-service"])


@pytest.mark.parametrize(
    "path",
    [
        "//doctors",
        "/doctors//me",
        "/doctors/",
        "/doctors/.",
        "/doctors/../admin",
        "/doctors/%2e",
        "/doctors/%2E%2e/admin",
        "/doctors/.%2e/admin",
        "/doctors/a%2Fb",
        "/doctors/a%5Cb",
        "/doctors/a\\b",
        "/doctors/a%00",
        "/doctors/a%0d%0aX-User-Id:%20root",
        "/doctors/a%7f",
        "/doctors/%ff",
        "/doctors/%zz",
        "/doctors/%",
        "/doctors/ä",
        "/doctors/a b",
        "/doctors/a#b",
        "/doctors/{id}",
        "",
        "doctors",
    ],
)
def test_what_two_parsers_could_read_in_two_ways_is_refused(path: str) -> None:
    with pytest.raises(RouteNotFound):
        segments_of(path)


@given(st.text(max_size=80))
def test_what_passes_reads_the_same_after_it_is_written_again(path: str) -> None:
    try:
        segments = segments_of(path)
    except RouteNotFound:
        return
    assert all(segment and segment not in (".", "..") for segment in segments)
    assert segments_of(path_of(segments)) == segments


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4))
def test_what_is_written_never_gains_a_segment(segments: list[str]) -> None:
    with suppress(RouteNotFound, UnicodeEncodeError):
        assert segments_of(path_of(segments)) == segments
