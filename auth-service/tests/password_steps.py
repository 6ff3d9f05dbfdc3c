"""What the tests of passwords do: change, ask for a reset, reset, look what was announced."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

from people import PASSWORD, People
from werkzeug.test import TestResponse

from auth_service.bootstrap import Built, make_service
from auth_service.errors import InvalidCredentials, ResetTokenInvalid
from auth_service.service import Service
from auth_service.service.sessions import Device
from chassis.mongo import Document

OTHER = "walnut-harbour-copper-4"
Tokens = dict[str, Any]
HOME = "198.51.100.1"
DEVICE = Device(name=None, user_agent=None, ip=HOME)


def post(people: People, path: str, tokens: Tokens | None = None, **body: str) -> TestResponse:
    headers = people.bearer(tokens) if tokens else {}
    return people.client.post(f"/api/v1/auth/password{path}", json=body, headers=headers)


def change(people: People, tokens: Tokens, new: str = OTHER, current: str = PASSWORD) -> TestResponse:
    return post(people, "", tokens, currentPassword=current, newPassword=new)


def reset(people: People, token: str, new: str = OTHER) -> TestResponse:
    return post(people, "/reset", token=token, newPassword=new)


def signs_in_with(people: People, tokens: Tokens, password: str) -> bool:
    return people.try_log_in(tokens["user"]["email"], password).status_code == 200


def credential_of(built: Built, tokens: Tokens) -> Document:
    found = built.database["credentials"].find_one({"_id": tokens["user"]["id"]})
    assert found
    return found


def announced(built: Built, tokens: Tokens) -> list[tuple[str, str | None]]:
    """(type, the change's kind or the audit's action) of what waits in the outbox of the user's credential."""
    data = [(event["type"], event["data"]) for event in credential_of(built, tokens)["outbox"]]
    return [(kind, content.get("by") or content.get("action")) for kind, content in data]


def last_request(built: Built, tokens: Tokens, kind: str = "RESET") -> str:
    found = built.database["oneTimeTokens"].find({"userId": tokens["user"]["id"], "kind": kind}).sort("_id", -1)
    return str(next(found)["_id"])


def reset_token(people: People, tokens: Tokens) -> str:
    """The token of the mail that is asked for."""
    assert post(people, "/forgot", email=tokens["user"]["email"]).status_code == 202
    return str(people.built.service.one_time_tokens.told(last_request(people.built, tokens))["token"])


def at(built: Built, clock: Callable[[], datetime], **settings: Any) -> Service:
    """The use cases by another clock, or with other settings."""
    config = built.config.model_copy(update=settings)
    return make_service(config, built.database, clock)


def together(count: int, work: Callable[[int], object]) -> list[object]:
    """What ``work`` answers, or raises, when all begin at the same moment."""
    barrier = Barrier(count)

    def at_once(number: int) -> object:
        barrier.wait()
        try:
            return work(number)
        except (InvalidCredentials, ResetTokenInvalid) as refused:
            return refused.code

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(at_once, range(count)))
