"""The document and the page to read it, as a browser asks for them."""

import re

import pytest
from jsonschema import Draft202012Validator
from stand_ins import Gateway

from gateway.own_routes import OWN_PATHS


def test_the_document_is_answered_whole_and_only_once(gateway: Gateway) -> None:
    answer = gateway.ask("GET", "/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert "/api/v1/appointments" in answer.json["paths"]
    again = gateway.ask("GET", "/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.raw) == (304, b"")


@pytest.mark.parametrize("path", OWN_PATHS)
def test_the_gateways_own_routes_answer_as_the_document_says(gateway: Gateway, path: str) -> None:
    whole = gateway.ask("GET", "/openapi.json").json
    answer = gateway.ask("GET", path)
    told = whole["paths"][path]["get"]["responses"][str(answer.status)]
    assert answer.headers["Content-Type"] in told["content"]
    assert answer.headers.keys() >= told["headers"].keys()
    if answer.headers["Content-Type"] == "application/json":
        schema = {"components": whole["components"], **told["content"]["application/json"]["schema"]}
        Draft202012Validator(schema).validate(answer.json)


def test_the_page_loads_nothing_from_elsewhere_and_runs_no_script_of_its_text(gateway: Gateway) -> None:
    page = gateway.ask("GET", "/docs")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    text = page.raw.decode()
    assert not re.search(r"<script[^>]*>[^<]", text), "an inline script, which the policy does not let run"
    loaded = [address for address in re.findall(r'(?:src|href)="([^"]+)"', text) if not address.startswith("data:")]
    kinds = {address: gateway.ask("GET", address).headers["Content-Type"].partition(";")[0] for address in loaded}
    assert kinds == {
        "/docs/swagger-ui.css": "text/css",
        "/docs/swagger-ui-bundle.js": "text/javascript",
        "/docs/start.js": "text/javascript",
    }
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert b'url: "/openapi.json"' in gateway.ask("GET", "/docs/start.js").raw
