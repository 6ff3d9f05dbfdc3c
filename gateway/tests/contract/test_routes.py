"""Every route that a service declares can be reached."""

import json

import pytest

from chassis.config import CONTRACTS_IN_CHECKOUT
from gateway.config import Config
from gateway.route_table import RouteTable, segments_of

FOLDER = CONTRACTS_IN_CHECKOUT / "routes"
SERVICES = [name.removesuffix("_url").replace("_", "-") for name in Config.model_fields if name.endswith("_url")]
DECLARED = [(file.stem, route) for file in sorted(FOLDER.glob("*.json")) for route in json.loads(file.read_text())]


@pytest.mark.parametrize(("service", "declared"), DECLARED)
def test_a_declared_route_is_in_the_table(service: str, declared: dict[str, str]) -> None:
    table = RouteTable.read(FOLDER, SERVICES)
    path = "/api/v1" + declared["path"].replace("{", "x-").replace("}", "")
    route = table.find(segments_of(path))[declared["method"]]
    assert (route.service, route.pattern, route.access) == (service, "/api/v1" + declared["path"], declared["access"])
