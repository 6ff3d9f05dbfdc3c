"""A browser's page of another origin asks."""

from stand_ins import Gateway

API = "/api/v1"

CLINIC = {"Origin": "https://clinic.example"}


def test_a_preflight_is_answered_by_the_gateway_and_the_request_after_it_may_be_read(gateway: Gateway) -> None:
    asked = {**CLINIC, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}
    preflight = gateway.ask("OPTIONS", f"{API}/things/1", asked)
    assert preflight.status == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == CLINIC["Origin"]
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"].split(", ")
    answer = gateway.ask("GET", f"{API}/open/1", CLINIC)
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, CLINIC["Origin"])


def test_a_refusal_can_be_read_too_and_another_origin_reads_nothing(gateway: Gateway) -> None:
    refused = gateway.ask("GET", f"{API}/things/1", CLINIC)
    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, CLINIC["Origin"])
    other = gateway.ask("GET", f"{API}/open/1", {"Origin": "https://evil.example"})
    assert other.status == 200
    assert not [name for name in other.headers if name.startswith("Access-Control")]
    assert other.headers["Vary"] == "Origin"
