"""A service of things, with every kind of route, around the chassis alone."""

from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from pydantic import Field
from pymongo.errors import AutoReconnect

from chassis import context
from chassis.api import ADMIN, DOCTOR, PATIENT, PUBLIC, SELF, Api, Reply, etag, expected_version, identity
from chassis.availability import answer_503_when_away
from chassis.clock import new_id
from chassis.config import BaseConfig
from chassis.errors import Conflict
from chassis.events import cloud_event
from chassis.headers import CONTENT_DISPOSITION, ETAG
from chassis.keys import secret_key
from chassis.schemas import Body, Instant, Line, PageQuery, Query, Text, Zone
from chassis.tokens import TokenIssuer
from chassis.web import create_flask
from devkit.testing import JWT_SECRET

SECRET_DETAIL = "the patient's diagnosis"


class ThingBody(Body):
    display_name: Line
    size: int = Field(1, ge=1, le=1000)
    note: Text | None = None
    at: Instant | None = None
    zone: Zone | None = None


class ThingQuery(PageQuery):
    since: Instant | None = None
    only_big: bool = Field(False, description="Without the small ones.")


class FileQuery(Query):
    missing: bool = False


class ThingTaken(Conflict):
    code, message = "THING_TAKEN", "Somebody has it."
    headers = MappingProxyType({"X-Hint": "wait"})


def things() -> Api:  # noqa: C901  (one of each kind of route)
    api = Api("things")

    @api.post("/things", access=PUBLIC, status=(201, 200), message="Made.", headers=[ETAG])
    def make(body: ThingBody) -> Any:
        return Reply(body, status=200 if body.size == 2 else 201, headers=etag(7))

    @api.get("/things", access=PUBLIC)
    def find(query: ThingQuery) -> dict[str, Any]:
        return {"items": [], "limit": query.limit, "since": query.since, "onlyBig": query.only_big}

    @api.get("/things/<id>", access=SELF)
    def show(id: str) -> dict[str, str]:
        return {"id": id, "user": identity().user_id, "role": identity().role}

    @api.patch("/things/<id>", access=PUBLIC)
    def change(id: str) -> int | None:
        return expected_version()

    @api.get("/patients-only", access=PATIENT)
    def patients_only() -> None: ...

    @api.get("/staff", access=(DOCTOR, ADMIN))
    def staff() -> None: ...

    @api.post("/ring", access=PUBLIC)
    def ring() -> None: ...

    @api.get("/public-identity", access=PUBLIC)
    def public_identity() -> str:
        return identity().user_id

    @api.get("/broken", access=PUBLIC)
    def broken() -> None:
        raise RuntimeError(SECRET_DETAIL)

    @api.get("/taken", access=PUBLIC)
    def taken() -> None:
        raise ThingTaken(data={"until": "noon"})

    @api.get("/busy", access=PUBLIC)
    def busy() -> None:
        raise ThingTaken(headers={"Retry-After": "7"})

    @api.get("/file", access=PUBLIC, media="text/calendar; charset=utf-8", headers=[CONTENT_DISPOSITION])
    def file(query: FileQuery) -> Reply:
        if query.missing:
            raise ThingTaken
        return Reply("BEGIN:VCALENDAR\r\n", headers={"Content-Disposition": "attachment"})

    @api.get("/undeclared", access=PUBLIC)
    def undeclared() -> Reply:
        return Reply(headers=etag(7))

    @api.get("/missing", access=PUBLIC, headers=[ETAG])
    def missing() -> None: ...

    @api.get("/accepted", access=PUBLIC)
    def accepted() -> Reply:
        return Reply(status=202)

    @api.get("/away", access=PUBLIC)
    def away() -> None:
        raise AutoReconnect(SECRET_DETAIL)

    @api.get("/address", access=PUBLIC)
    def address() -> str | None:
        return request.remote_addr

    @api.get("/request-id", access=PUBLIC)
    def request_id() -> dict[str, Any]:
        return {"context": context.request_id(), "event": cloud_event("x", "y", "z", {})["requestid"]}

    return api


def check() -> None:
    raise ConnectionError(SECRET_DETAIL)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setenv("JWT_SECRET", JWT_SECRET)
    app = create_flask(
        "thing-service",
        BaseConfig.read(),
        apis=[things()],
        checks={"storage": check},
        unavailable=answer_503_when_away,
    )
    app.testing = True
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def claims() -> dict[str, str]:
    return {"sid": new_id(), "role": "patient", "name": "Pat Doe", "email": "pat@clinic.example"}


@pytest.fixture
def token(claims: dict[str, str]) -> str:
    return TokenIssuer(secret_key(JWT_SECRET)).issue("u1", claims, timedelta(minutes=1))
