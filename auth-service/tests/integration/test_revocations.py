"""Sessions end in one way: with a revocation that names them, why they ended, and for how long that matters."""

from datetime import UTC, datetime, timedelta

from people import People

from auth_service.domain import Reason
from auth_service.service.sessions import MOST
from chassis.clock import new_id, now
from devkit.testing import assert_valid


def test_logging_out_is_told_to_the_gateways_until_the_last_token_has_expired(people: People) -> None:
    account = people.sign_up()
    renewed = people.refresh(account).json["data"]
    people.log_out(account)
    (revocation,) = people.revocations(account)
    assert (revocation["sessionIds"], revocation["reason"]) == ([account["sessionId"]], "LOGOUT")
    assert revocation["until"] > datetime.fromtimestamp(people.claims(renewed)["exp"], UTC)
    told, audited = revocation["outbox"]
    assert_valid(told)
    assert_valid(audited)
    assert (told["type"], told["data"]["sessionIds"]) == ("session-revoked", [account["sessionId"]])
    assert (audited["data"]["action"], audited["data"]["actorId"]) == ("session.ended", account["user"]["id"])


def test_logging_out_twice_is_told_once(people: People) -> None:
    account = people.sign_up()
    answers = [people.log_out(account).status_code for _ in range(2)]
    assert answers == [200, 200]
    assert len(people.revocations(account)) == 1


def test_each_way_of_ending_says_its_reason(people: People) -> None:
    account = people.sign_up()
    people.client.delete(f"/api/v1/auth/sessions/{account['sessionId']}", headers=people.bearer(account))
    phone, laptop = people.log_in(account), people.log_in(account)
    people.log_out(phone, "logout-all")
    thief = people.log_in(account)
    people.refresh(people.refresh(thief).json["data"])
    people.refresh(thief)
    last = people.log_in(account)
    people.suspend(account)
    assert [(item["reason"], set(item["sessionIds"])) for item in people.revocations(account)] == [
        ("ENDED", {account["sessionId"]}),
        ("LOGOUT_ALL", {phone["sessionId"], laptop["sessionId"]}),
        ("TOKEN_REUSED", {thief["sessionId"]}),
        ("SUSPENDED", {last["sessionId"]}),
    ]
    actions = [item["outbox"][1]["data"]["action"] for item in people.revocations(account)]
    assert actions == ["session.ended", "session.ended", "session.reused", "session.ended"]


def test_the_gateways_are_told_what_is_in_force_and_what_lives(people: People) -> None:
    live, ended = people.sign_up(), people.sign_up()
    people.log_out(ended)
    told = people.client.get("/internal/revocations").json["sessions"]
    assert told[ended["sessionId"]] == people.revocations(ended)[0]["until"].timestamp()
    assert live["sessionId"] not in told
    assert [people.lives(one) for one in (live["sessionId"], ended["sessionId"], "nobody")] == [True, False, False]
    people.built.database["sessions"].update_one({"_id": live["sessionId"]}, {"$set": {"expiresAt": now()}})
    assert not people.lives(live["sessionId"])
    people.built.database["revocations"].update_many({"userId": ended["user"]["id"]}, {"$set": {"until": now()}})
    assert ended["sessionId"] not in people.client.get("/internal/revocations").json["sessions"]


def test_a_session_of_a_closed_account_does_not_live_even_if_it_was_left_over(people: People) -> None:
    account = people.sign_up()
    people.built.database["credentials"].update_one({"_id": account["user"]["id"]}, {"$set": {"status": "SUSPENDED"}})
    assert not people.lives(account["sessionId"])
    assert people.refresh(account).json["code"] == "REFRESH_TOKEN_INVALID"


def test_tokens_say_since_when_one_is_signed_in_and_whether_mail_arrives(people: People) -> None:
    account = people.sign_up()
    opened = people.built.database["sessions"].find_one({"_id": account["sessionId"]})
    assert opened
    assert people.claims(account)["auth_time"] == opened["createdAt"].timestamp()
    assert people.claims(account)["email_verified"] is False
    people.built.database["credentials"].update_one({"_id": account["user"]["id"]}, {"$set": {"emailVerified": True}})
    renewed = people.refresh(account).json["data"]
    assert people.claims(renewed)["auth_time"] == people.claims(account)["auth_time"]
    assert people.claims(renewed)["email_verified"] is True


def test_one_session_too_many_ends_the_one_used_longest_ago(people: People) -> None:
    account = people.sign_up()
    sessions = people.built.database["sessions"]
    own = sessions.find_one({"_id": account["sessionId"]})
    assert own
    older = [{**own, "_id": new_id(), "lastUsedAt": now() - timedelta(hours=1 + age)} for age in range(MOST - 1)]
    sessions.insert_many(older)
    assert people.try_log_in(account["user"]["email"]).status_code == 200
    (revocation,) = people.revocations(account)
    assert (revocation["reason"], revocation["sessionIds"]) == ("TOO_MANY", [older[-1]["_id"]])
    assert len(people.built.service.sessions.live(account["user"]["id"])) == MOST


def test_more_sessions_than_a_revocation_may_name_are_told_in_several(people: People) -> None:
    # of the time before there was a highest number of them
    account = people.sign_up()
    sessions = people.built.database["sessions"]
    own = sessions.find_one({"_id": account["sessionId"]})
    assert own
    sessions.insert_many([{**own, "_id": new_id()} for _ in range(1000)])
    people.suspend(account)
    assert sorted(len(item["sessionIds"]) for item in people.revocations(account)) == [1, 1000]
    for item in people.revocations(account):
        assert_valid(item["outbox"][0])


def test_every_reason_is_one_of_the_contract(people: People) -> None:
    account = people.sign_up()
    for reason in Reason:
        tokens = people.log_in(account)
        people.built.database.transact(
            lambda session, reason=reason: people.built.service.sessions.revoke_all(
                account["user"]["id"], reason, session
            )
        )
        told = people.built.database["revocations"].find_one({"sessionIds": tokens["sessionId"]})
        assert told
        assert_valid(told["outbox"][0])
