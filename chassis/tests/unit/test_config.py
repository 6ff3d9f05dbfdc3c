"""A process does not start with a bad configuration, and says which variable is to blame, not what it holds."""

import pytest

from chassis.config import ConfigError, DataConfig
from devkit.testing import environment

GOOD = environment("mongodb://user:pa55w0rd@db/things", "amqp://user:pa55w0rd@broker/")
NAMES = ("APP_ENV", "LOG_LEVEL", "JWT_SECRET", "HEARTBEAT_FILE", "CONTRACTS_DIR", "MONGODB_URI", "AMQP_URL")


@pytest.fixture(autouse=True)
def good(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_a_good_environment_is_read() -> None:
    config = DataConfig.read()
    assert config.jwt_secret.get_secret_value() == GOOD["JWT_SECRET"]
    assert config.mongodb_uri == GOOD["MONGODB_URI"]


def test_printing_it_shows_no_secret() -> None:
    shown = f"{DataConfig.read()!r} {DataConfig.read()}"
    assert GOOD["JWT_SECRET"] not in shown
    assert "pa55w0rd" not in shown


def test_it_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        DataConfig.read().amqp_url = "amqp://elsewhere"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["JWT_SECRET", "MONGODB_URI", "AMQP_URL"])
@pytest.mark.parametrize("empty", [True, False])
def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, empty: bool) -> None:
    if empty:
        monkeypatch.setenv(name, "")
    else:
        monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match=name):
        DataConfig.read()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_SECRET", "short-canary"),
        ("JWT_SECRET", "canary" * 10),
        ("JWT_SECRET", "canary-change-me-0123456789-abcdefghijkl"),
        ("JWT_SECRET", "My-Secret-canary-0123456789-abcdefghijkl"),
        ("MONGODB_URI", "http://canary"),
        ("AMQP_URL", "redis://canary"),
        ("APP_ENV", "canary"),
        ("LOG_LEVEL", "canary"),
    ],
)
def test_a_bad_value_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"^{name}: ") as refused:
        DataConfig.read()
    assert "canary" not in str(refused.value)
    # nor in the traceback, by way of a cause
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JWT_SECRET", "MONGODB_URI", "AMQP_URL"):
        monkeypatch.delenv(name)
    with pytest.raises(ConfigError) as refused:
        DataConfig.read()
    assert all(name in str(refused.value) for name in ("JWT_SECRET", "MONGODB_URI", "AMQP_URL"))


def test_a_process_ends_with_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("AMQP_URL")
    with pytest.raises(SystemExit) as ended:
        DataConfig.read_or_exit()
    assert ended.value.code == 78
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "AMQP_URL" in said
