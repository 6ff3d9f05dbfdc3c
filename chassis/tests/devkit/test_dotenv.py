import stat
from pathlib import Path

from devkit import dotenv
from devkit.layout import ROOT


def test_values_lose_their_quotes_and_comments() -> None:
    text = "A=1 # one\nB=\"two # 2\"\n# C=3\nexport D='four'\nE=a#b\nF=\n"
    assert dotenv.parse(text) == {"A": "1", "B": "two # 2", "D": "four", "E": "a#b", "F": ""}


def test_the_first_start_makes_secrets_that_only_the_owner_can_read(tmp_path: Path) -> None:
    made = dotenv.ensure(tmp_path / ".env")
    assert len(made["JWT_SECRET"]) >= 32
    assert made["JWT_SECRET"] != made["JWT_REFRESH_SECRET"]
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_the_next_start_keeps_what_is_there_and_adds_only_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("JWT_SECRET=mine")
    first = dotenv.ensure(file)
    assert first["JWT_SECRET"] == "mine"
    assert first["ADMIN_PASSWORD"]
    assert dotenv.ensure(file) == first == dotenv.parse(file.read_text())


def test_the_process_environment_wins_but_only_for_variables_of_the_suite() -> None:
    chosen = dotenv.chosen({"RATE_LIMITS": "on"}, {"RATE_LIMITS": "off", "HISTFILE": "x"}, {"RATE_LIMITS"})
    assert chosen == {"RATE_LIMITS": "off"}


def test_the_example_documents_every_variable_that_is_made() -> None:
    documented = dotenv.documented_names(ROOT / ".env.example")
    assert set(dotenv.fresh()) <= documented
    assert {"MONGODB_URI", "AMQP_URL", "SMTP_URL", "GATEWAY_PORT", "RATE_LIMITS", "PORT"} <= documented
