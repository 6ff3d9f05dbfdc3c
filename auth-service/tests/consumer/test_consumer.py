"""The real consumer process on the real broker."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from auth_service.bootstrap import Built
from chassis import amqp
from chassis.clock import new_id
from chassis.rpc import Refused, RpcClient
from devkit.testing import assert_every_queue_is_consumed, example, publish, queue_state, running
from devkit.waiting import eventually

PASSWORD = "plum-orchard-kettle-9"


@pytest.fixture(scope="module", autouse=True)
def consumer(env: dict[str, str]) -> Iterator[None]:
    with running("auth_service.consumer", env):
        yield


@pytest.fixture
def account(client: FlaskClient) -> dict[str, Any]:
    body = {"email": f"{new_id()}@clinic.example", "password": PASSWORD, "name": "Ann Lee"}
    data: dict[str, Any] = client.post("/api/v1/auth/signup", json=body).json["data"]
    return data


def log_in(client: FlaskClient, account: dict[str, Any]) -> tuple[int, Any]:
    answer = client.post("/api/v1/auth/login", json={"email": account["user"]["email"], "password": PASSWORD})
    return answer.status_code, answer.json.get("code")


def test_every_subscription_has_its_queue_and_consumer(amqp_url: str) -> None:
    assert_every_queue_is_consumed(amqp_url, "auth-service")


def test_a_deactivated_user_can_neither_log_in_nor_refresh(
    client: FlaskClient, account: dict[str, Any], amqp_url: str
) -> None:
    publish(amqp_url, example("user-deactivated", userId=account["user"]["id"], version=2))
    eventually(lambda: log_in(client, account) == (403, "ACCOUNT_DELETED"))
    refreshed = client.post("/api/v1/auth/refresh", json={"refreshToken": account["refreshToken"]})
    assert refreshed.status_code == 401


def test_a_suspended_user_is_signed_out_until_reinstated(
    client: FlaskClient, account: dict[str, Any], amqp_url: str
) -> None:
    user_id = account["user"]["id"]
    publish(amqp_url, example("user-suspended", userId=user_id, version=2))
    eventually(lambda: log_in(client, account) == (403, "ACCOUNT_SUSPENDED"))
    refreshed = client.post("/api/v1/auth/refresh", json={"refreshToken": account["refreshToken"]})
    assert refreshed.status_code == 401
    publish(amqp_url, example("user-reinstated", userId=user_id, version=3))
    eventually(lambda: log_in(client, account)[0] == 200)


def test_the_export_is_told_by_call(account: dict[str, Any], amqp_url: str) -> None:
    told = RpcClient(amqp_url).call("auth-service", "export_user", user_id=account["user"]["id"])
    assert told["account"]["email"] == account["user"]["email"]
    assert [item["_id"] for item in told["sessions"]] == [account["sessionId"]]


def test_who_signed_up_is_told_by_call_as_the_event_tells_it(account: dict[str, Any], amqp_url: str) -> None:
    told = RpcClient(amqp_url).call("auth-service", "registration", user_id=account["user"]["id"])
    assert told.pop("registeredAt").endswith("Z")
    assert told == {"userId": account["user"]["id"], **{key: account["user"][key] for key in ("email", "name", "role")}}
    with pytest.raises(Refused) as refused:
        RpcClient(amqp_url).call("auth-service", "registration", user_id="nobody")
    assert refused.value.code == "NOT_FOUND"


def test_an_older_event_that_comes_late_changes_nothing(
    client: FlaskClient, account: dict[str, Any], amqp_url: str, built: Built
) -> None:
    user_id = account["user"]["id"]
    publish(amqp_url, example("user-recovered", userId=user_id, version=3))
    late = example("user-deactivated", userId=user_id, version=2)
    publish(amqp_url, late)
    eventually(lambda: built.database["inbox"].find_one({"_id": late["id"]}))
    assert log_in(client, account)[0] == 200


def test_the_same_event_twice_takes_effect_once(
    client: FlaskClient, account: dict[str, Any], amqp_url: str, built: Built
) -> None:
    event = example("user-deleted", userId=account["user"]["id"], version=4)
    after = example("user-updated", userId=account["user"]["id"], version=5)
    publish(amqp_url, event)
    publish(amqp_url, event)
    eventually(lambda: log_in(client, account) == (401, "INVALID_CREDENTIALS"))
    eventually(lambda: queue_state(amqp_url, amqp.queue("auth-service", "user-service", "user-deleted"))[0] == 0)
    publish(amqp_url, after)
    eventually(lambda: built.database["inbox"].find_one({"_id": after["id"]}))
    tombstone = built.database["tombstones"].find_one({"_id": account["user"]["id"]})
    assert tombstone
    assert [receipt["type"] for receipt in tombstone["outbox"]] == ["user-data-erased"]


@pytest.mark.parametrize("poison", [{}, [1], "text", {"id": "x", "source": "user-service", "type": "user-deleted"}])
def test_poison_lands_in_the_dead_letters(amqp_url: str, poison: Any) -> None:
    dead = amqp.dead_letters("auth-service")
    before = queue_state(amqp_url, dead)[0]
    publish(amqp_url, poison, source="user-service", kind="user-deleted")
    eventually(lambda: queue_state(amqp_url, dead)[0] == before + 1)


def test_who_mails_a_one_time_token_is_told_it_and_no_other(
    client: FlaskClient, account: dict[str, Any], amqp_url: str, built: Built
) -> None:
    asked = built.database["oneTimeTokens"].find_one({"userId": account["user"]["id"]})
    assert asked
    answer = RpcClient(amqp_url).call("auth-service", "one_time_token", token_request_id=asked["_id"])
    assert set(answer) == {"token", "expiresAt"}
    assert client.post("/api/v1/auth/email/verify", json={"token": answer["token"]}).status_code == 200
    with pytest.raises(Refused) as refused:
        RpcClient(amqp_url).call("auth-service", "one_time_token", token_request_id=asked["_id"])
    assert refused.value.code == "NOT_FOUND"
