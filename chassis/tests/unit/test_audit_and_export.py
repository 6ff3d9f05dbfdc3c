"""Entries of the audit are what their contract says; an export is JSON and leaves out what it is told to."""

import json
from datetime import UTC, datetime

import pytest
from jsonschema import ValidationError

from chassis.audit import entry
from chassis.export import told
from devkit.testing import assert_valid

SOURCE = "appointment-service"
NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)


def test_an_entry_with_everything_is_as_its_contract_says() -> None:
    event = entry(
        SOURCE,
        "appointment.cancelled",
        actor_id="admin-1",
        actor_role="admin",
        subject_id="pat-1",
        object_id="appointment-1",
        address="2001:db8::1",
        refused_for="TOO_LATE_TO_CANCEL",
    )
    assert_valid(event)
    assert event["type"] == "audit-recorded"
    assert event["data"] == {
        "entryId": event["subject"],
        "at": event["data"]["at"],
        "action": "appointment.cancelled",
        "refusedFor": "TOO_LATE_TO_CANCEL",
        "actorId": "admin-1",
        "actorRole": "admin",
        "subjectId": "pat-1",
        "objectId": "appointment-1",
        "address": "2001:db8::1",
    }


def test_what_nobody_signed_in_did_to_nobody_known_is_an_entry_too() -> None:
    event = entry("auth-service", "session.refused", actor_id=None, actor_role=None)
    assert_valid(event)
    assert {name for name, value in event["data"].items() if value is None} == {
        "refusedFor",
        "actorId",
        "actorRole",
        "subjectId",
        "objectId",
        "address",
    }


def test_two_entries_are_two() -> None:
    first, second = (entry(SOURCE, "appointment.cancelled", actor_id="a", actor_role="admin") for _ in range(2))
    assert first["subject"] != second["subject"]
    assert first["id"] != second["id"]


@pytest.mark.parametrize("action", ["cancelled", "Appointment.Cancelled", "appointment.cancelled.twice", ""])
def test_an_action_that_is_no_thing_and_verb_breaks_the_contract(action: str) -> None:
    with pytest.raises(ValidationError):
        assert_valid(entry(SOURCE, action, actor_id="a", actor_role="admin"))


def test_an_export_is_json_with_instants_as_text_at_any_depth() -> None:
    document = {
        "_id": "1",
        "at": NOON,
        "history": [{"at": NOON, "by": None}],
        "open": True,
        "rating": 4.5,
    }
    assert json.loads(json.dumps(told(document))) == {
        "_id": "1",
        "at": "2026-03-01T12:00:00.250Z",
        "history": [{"at": "2026-03-01T12:00:00.250Z", "by": None}],
        "open": True,
        "rating": 4.5,
    }


def test_an_export_is_without_the_fields_named_at_any_depth_and_leaves_the_document_as_it_was() -> None:
    document = {
        "name": "Ann",
        "hash": "x",
        "devices": [{"id": "1", "hash": "y"}],
        "last": {"hash": "z"},
    }
    assert told(document, "hash") == {
        "name": "Ann",
        "devices": [{"id": "1"}],
        "last": {},
    }
    assert document["hash"] == "x"
