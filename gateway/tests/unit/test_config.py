"""What the gateway's variables may say."""

import pytest

from chassis.config import ConfigError
from devkit.testing import environment
from gateway.config import Config


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Config.model_fields:
        if name.endswith("_service_url"):
            monkeypatch.setenv(name.upper(), "http://service:8000")
    for name, value in environment("mongodb://unused", "amqp://broker/").items():
        monkeypatch.setenv(name, value)


def test_timeouts_of_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Config.read().route_timeouts == {}
    monkeypatch.setenv("ROUTE_TIMEOUTS", "GET /users/me/export=18, PUT /doctors/{id}/follow=2.5")
    assert Config.read().route_timeouts == {"GET /users/me/export": 18.0, "PUT /doctors/{id}/follow": 2.5}


@pytest.mark.parametrize("text", ["18", "GET /x", "GET /x=", "GET /x=0", "GET /x=61", "get /x=1", "x=1", "GET /x=1,"])
def test_what_is_no_timeout_ends_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ROUTE_TIMEOUTS", text)
    with pytest.raises(ConfigError, match="ROUTE_TIMEOUTS"):
        Config.read()


@pytest.mark.parametrize(
    "text", ["clinic.example", "https://clinic.example/", "https://a.example,", "https://*.a.example"]
)
def test_what_is_no_origin_ends_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, http://localhost:3000")
    assert Config.read().cors_origins == {"https://a.example", "http://localhost:3000"}
    monkeypatch.setenv("CORS_ORIGINS", text)
    with pytest.raises(ConfigError, match="CORS_ORIGINS"):
        Config.read()
