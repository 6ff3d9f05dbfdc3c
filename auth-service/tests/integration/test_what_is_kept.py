"""What is kept of a person, told to its owner, entered in the audit, and erased."""

from people import People

from devkit.testing import assert_valid


def test_the_export_has_the_account_and_its_devices_and_no_hash(people: People) -> None:
    account = people.sign_up()
    ended = people.log_in(account)
    people.log_out(ended)
    told = people.built.service.accounts.told(account["user"]["id"])
    assert told["account"]["email"] == account["user"]["email"]
    assert {item["_id"] for item in told["sessions"]} == {account["sessionId"], ended["sessionId"]}
    assert [item["reason"] for item in told["revocations"]] == ["LOGOUT"]
    kept = people.built.database["credentials"].find_one({"_id": account["user"]["id"]})
    assert kept
    assert kept["passwordHash"] not in repr(told)
    assert "tokenHash" not in repr(told)
    assert people.built.service.accounts.told("nobody") == {
        "account": None,
        "sessions": [],
        "revocations": [],
        "oneTimeTokens": [],
    }


def test_an_erased_account_leaves_its_tombstone_alone(people: People) -> None:
    account = people.sign_up()
    laptop = people.log_in(account)
    people.log_out(laptop)
    user_id = account["user"]["id"]
    people.purge(account)
    people.suspend(account, version=5)
    names = set(people.built.database.db.list_collection_names()) - {"tombstones", "audit"}
    assert [name for name in names if user_id in repr(list(people.built.database[name].find()))] == []
    assert people.refresh(account).status_code == 401
    assert not people.lives(account["sessionId"])


def test_sign_ins_enter_the_audit_with_their_address_whether_they_succeed_or_not(people: People) -> None:
    account = people.sign_up()
    user_id = account["user"]["id"]
    people.try_log_in(account["user"]["email"], "not the password")
    people.try_log_in(account["user"]["email"])
    people.suspend(account)
    people.try_log_in(account["user"]["email"])
    credential = people.built.database["credentials"].find_one({"_id": user_id})
    assert credential
    refused = people.built.database["audit"].find({"outbox.data.subjectId": user_id}).sort("at", 1)
    entries = [event for document in (credential, *refused) for event in document["outbox"]]
    for entry in entries:
        assert_valid(entry)
    audited = [entry["data"] for entry in entries if entry["type"] == "audit-recorded"]
    assert [(one["action"], one["refusedFor"], one["actorId"], one["address"]) for one in audited] == [
        ("account.opened", None, user_id, "127.0.0.1"),
        ("session.opened", None, user_id, "127.0.0.1"),
        ("session.opened", None, user_id, "127.0.0.1"),
        ("session.refused", "INVALID_CREDENTIALS", None, "127.0.0.1"),
        ("session.refused", "ACCOUNT_SUSPENDED", None, "127.0.0.1"),
    ]
