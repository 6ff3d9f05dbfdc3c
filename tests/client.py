"""A client of the gateway, as a front end would write one: nothing here knows a service."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter

from devkit import waiting

Value = TypeVar("Value")


class Surprise(AssertionError):
    """The suite answered something else than was expected."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    text: str = ""

    @property
    def data(self) -> Any:
        return self.body.get("data")

    @property
    def code(self) -> str | None:
        return self.body.get("code")

    def expect(self, status: int, code: str | None = None) -> "Answer":
        """This answer, if it has that status (and code); otherwise Surprise, showing what came instead."""
        if self.status != status or (code is not None and self.code != code):
            raise Surprise(f"expected {status} {code or ''}, got {self.status}: {dict(self.body)}")
        return self


@dataclass
class Person:
    """Somebody with an account, signed in."""

    gateway: "Gateway"
    email: str
    password: str
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.tokens["user"]["id"])

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        return self.gateway.call(method, path, body, token=self.tokens["accessToken"], **options)

    def get(self, path: str, **options: Any) -> Answer:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.call("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.call("PUT", path, body, **options)

    def log_in(self) -> Answer:
        """Sign in again; the new tokens are used from here on if it succeeds."""
        answer = self.gateway.call("POST", "/auth/login", {"email": self.email, "password": self.password})
        if answer.status == 200:
            self.tokens = answer.data
        return answer


class FromAddress(HTTPAdapter):
    """Connects from this one of the host's own addresses: tries that fail are counted by address."""

    def __init__(self, address: str) -> None:
        self._source = (address, 0)
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, source_address=self._source)


class Gateway:
    """The suite, seen from outside."""

    def __init__(self, url: str, send: Callable[..., requests.Response] = requests.request) -> None:
        """``send`` is a session's ``request`` where connections are to be used again."""
        self.url = url.rstrip("/")
        self._send = send

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request below /api/v1."""
        sent = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        answer = self._send(method, f"{self.url}/api/v1{path}", json=body, headers=sent, timeout=30)
        content = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
        return Answer(answer.status_code, content, answer.headers, answer.text)

    def sign_up(self, name: str, role: str = "patient") -> Person:
        """A new account under an address that nobody has."""
        local = name.lower().replace(" ", ".").replace("..", ".")
        person = Person(self, f"{local}.{secrets.token_hex(5)}@clinic.example", secrets.token_urlsafe(12))
        body = {"email": person.email, "password": person.password, "name": name, "role": role}
        person.tokens = self.call("POST", "/auth/signup", body).expect(201).data
        return person

    def log_in(self, email: str, password: str) -> Person:
        person = Person(self, email, password)
        person.log_in().expect(200)
        return person


def eventually(what: str, look: Callable[[], Value], seconds: float = 15.0) -> Value:
    """The first true value that ``look`` returns; Surprise if there is none in time.

    A Surprise that ``look`` itself raises counts as not yet: what one service announced, another learns soon after.
    """
    try:
        return waiting.eventually(look, timeout=seconds)
    except AssertionError as last:
        raise Surprise(f"waited {seconds:.0f} s in vain for {what}: {last}") from None
