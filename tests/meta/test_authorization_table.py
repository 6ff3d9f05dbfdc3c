"""The table of who may do what has every route, and nothing else, and agrees with what the routes declare."""

import json

from devkit.layout import ROOT
from tests.authorization.table import CALLERS, Row, rows
from tests.authorization.world import plain

ROLES = dict(zip(CALLERS, ("patient", "patient", "doctor", "doctor", "admin"), strict=True))


def declared() -> dict[tuple[str, str], str]:
    """Who may call each route, as the contracts have it."""
    routes = [
        route for file in (ROOT / "contracts" / "routes").glob("*.json") for route in json.loads(file.read_text())
    ]
    return {(route["method"], plain(route["path"])): route["access"] for route in routes}


def tabled() -> dict[tuple[str, str], Row]:
    return {(row.method, plain(row.path)): row for row in rows()}


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert len(tabled()) == len(rows()), "a route has two rows"
    without_row = declared().keys() - tabled().keys()
    without_route = tabled().keys() - declared().keys()
    assert not without_row, f"say in tests/authorization/table.py who may: {sorted(without_row)}"
    assert not without_route, f"there is no such route: {sorted(without_route)}"


def test_the_roles_that_a_route_declares_are_those_that_the_table_lets_in() -> None:
    for key, access in declared().items():
        row = tabled()[key]
        assert row.is_public == (access == "public"), key
        roles = set(ROLES.values()) if access == "self" else set(access.split("|"))
        for caller, cell in row.cells.items():
            assert (cell.status == 403) == (ROLES[caller] not in roles), f"{key}: {caller}"
