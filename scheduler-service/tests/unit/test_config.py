"""A process does not start with a mail server or sender that cannot be."""

import pytest

from chassis.config import ConfigError
from devkit.testing import environment
from scheduler_service.config import Config


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Config:
    for name, value in environment("mongodb://db/x", "amqp://mq", **variables).items():
        monkeypatch.setenv(name, value)
    return Config.read()


@pytest.mark.parametrize(
    "url", ["smtp://mail:1025", "smtps://user:pass%40word@mail.example", "smtp://mail.example:587?starttls=required"]
)
def test_a_mail_servers_url_is_read(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert read(monkeypatch, SMTP_URL=url).smtp_url is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "http://mail"),
        ("SMTP_URL", "smtp://"),
        ("MAIL_FROM", "nobody"),
        ("PUBLIC_URL", "https://clinic.example/"),
        ("PUBLIC_URL", "clinic.example"),
        ("PUBLIC_URL", "javascript:alert(1)"),
        ("PUBLIC_URL", "https://clinic.example@evil.example"),
        ("PUBLIC_URL", "https://clinic.example?a=b"),
        ("ERASURE_CHASE_EVERY_SECONDS", "0"),
        ("PURGE_EVERY_SECONDS", "0"),
        ("EXPIRE_OFFERS_EVERY_SECONDS", "0"),
        ("SEND_REMINDERS_EVERY_SECONDS", "x"),
        *(
            ("REMINDERS_BEFORE_MINUTES", text)
            for text in ("60,60", "60,060", "0", "-5", "1.5", "43201", "60,", ",", "1h")
        ),
    ],
)
def test_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        read(monkeypatch, **{name: value})


def test_without_a_mail_server_it_starts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, SMTP_URL="").smtp_url is None


@pytest.mark.parametrize(
    ("url", "read_as"),
    [
        ("https://clinic.example", "https://clinic.example"),
        ("http://127.0.0.1:8080/app", "http://127.0.0.1:8080/app"),
        ("", None),
    ],
)
def test_the_base_of_links_is_read(monkeypatch: pytest.MonkeyPatch, url: str, read_as: str | None) -> None:
    assert read(monkeypatch, PUBLIC_URL=url).public_url == read_as


@pytest.mark.parametrize(
    ("text", "read_as"), [("", (1_440, 60)), ("1440,60", (1_440, 60)), (" 43200 , 1", (43_200, 1)), ("none", ())]
)
def test_when_patients_are_reminded_is_read(
    monkeypatch: pytest.MonkeyPatch, text: str, read_as: tuple[int, ...]
) -> None:
    assert read(monkeypatch, REMINDERS_BEFORE_MINUTES=text).reminders_before_minutes == read_as
