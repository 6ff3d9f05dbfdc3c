"""A request with an Idempotency-Key takes effect once, whoever repeats it, whatever dies, however late."""

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Thread
from typing import Any

import pytest
from pymongo.client_session import ClientSession
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from appointment_service import errors
from appointment_service.service.requests import KEPT, LEASE, Done
from appointment_service.store import RequestStore
from chassis.clock import new_id
from chassis.errors import AppError, Conflict, Forbidden, NotFound, ServiceUnavailable, TokenInvalid, VersionMismatch
from chassis.schemas import invalid
from devkit.testing import bearer
from devkit.waiting import eventually

HALF_HOUR = timedelta(minutes=30)
APPOINTMENTS = "/api/v1/appointments"
Together = Callable[[Sequence[Callable[[], Any]]], list[Any]]


def keyed(user_id: str, key: str, role: str = "patient") -> dict[str, str]:
    return {**bearer(user_id, role), "Idempotency-Key": key}


def send(clinic: Any, patient: str, doctor: str, start: datetime, key: str = "k", **more: Any) -> TestResponse:
    """A booking under a key, as a client of its own sends it."""
    body = {"doctorId": doctor, "start": start.isoformat(), **more}
    client = clinic.client.application.test_client()
    answer: TestResponse = client.post(APPOINTMENTS, json=body, headers=keyed(patient, key))
    return answer


def told(answer: TestResponse) -> tuple[Any, ...]:
    """All of an answer that a retry is to hear again."""
    body = {name: value for name, value in answer.json.items() if name != "requestId"}
    return answer.status_code, body, answer.headers.get("ETag")


def is_replay(answer: TestResponse) -> bool:
    return answer.headers.get("Idempotency-Replayed") == "true"


def booked_by(clinic: Any, patient: str) -> int:
    return clinic.built.database["appointments"].count_documents({"patientId": patient})


@pytest.fixture
def effects(clinic: Any) -> Iterator[Any]:
    """A collection whose documents are the effects of requests."""
    collection = clinic.built.database.db.create_collection(f"effects-{new_id()}")
    yield collection
    collection.drop()


def effect(collection: Any) -> Callable[[ClientSession], Done]:
    def perform(session: ClientSession) -> Done:
        made = new_id()
        collection.insert_one({"_id": made}, session=session)
        return Done({"status": 201, "headers": {}, "data": made}, [])

    return perform


# one effect


def test_of_ten_duplicates_at_once_one_takes_effect_and_the_others_hear_of_it(
    clinic: Any, noon: datetime, together: Together
) -> None:
    doctor = clinic.doctor()
    for number in range(5):
        patient, start = new_id(), noon + number * HALF_HOUR
        answers = together([partial(send, clinic, patient, doctor, start)] * 10)
        first = [answer for answer in answers if answer.status_code == 201 and not is_replay(answer)]
        assert len(first) == 1
        for answer in answers:
            if answer.status_code == 201:
                assert told(answer) == told(first[0])
            else:
                assert answer.json["code"] == "IDEMPOTENCY_IN_PROGRESS"
                assert answer.headers["Retry-After"] == "1"
        again = send(clinic, patient, doctor, start)
        assert told(again) == told(first[0])
        assert is_replay(again)
        assert booked_by(clinic, patient) == 1


def test_of_ten_patients_who_race_for_one_slot_under_keys_one_gets_it(
    clinic: Any, noon: datetime, together: Together
) -> None:
    doctor = clinic.doctor()
    answers = together([partial(send, clinic, new_id(), doctor, noon) for _ in range(10)])
    codes = Counter((answer.status_code, answer.json.get("code")) for answer in answers)
    assert codes == {(201, None): 1, (409, "SLOT_TAKEN"): 9}


@contextmanager
def served(clinic: Any) -> Iterator[int]:
    """The service behind a real socket; its port."""
    server = make_server("127.0.0.1", 0, clinic.client.application, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_answer_that_was_lost_with_its_connection_is_heard_by_the_retry(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), clinic.doctor()
    body = f'{{"start": "{noon.isoformat()}", "doctorId": "{doctor}"}}'
    lines = [f"{name}: {value}" for name, value in keyed(patient, "k").items()]
    lines = [f"POST {APPOINTMENTS} HTTP/1.1", "Host: here", "Content-Type: application/json", *lines]
    with served(clinic) as port:
        with socket.create_connection(("127.0.0.1", port)) as cut:
            cut.sendall("\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode())
        eventually(lambda: booked_by(clinic, patient) == 1)
        again = send(clinic, patient, doctor, noon)
    assert (again.status_code, is_replay(again)) == (201, True)
    assert clinic.stored(again.json["data"])["patientId"] == patient
    assert booked_by(clinic, patient) == 1


def test_a_move_under_a_key_happens_once(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), clinic.doctor()
    item = clinic.booked(patient, doctor, noon)
    path, who = f"{APPOINTMENTS}/{item['id']}/reschedule", keyed(patient, "move")
    body = {"start": (noon + HALF_HOUR).isoformat()}
    first, second = (clinic.client.post(path, json=body, headers=who) for _ in range(2))
    assert told(first) == told(second)
    assert (first.status_code, first.json["data"]["version"], first.headers["ETag"]) == (200, 2, '"2"')
    assert [is_replay(first), is_replay(second)] == [False, True]
    assert clinic.stored(item)["version"] == 2


def test_without_a_key_nothing_is_remembered(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), clinic.doctor()
    clinic.booked(patient, doctor, noon)
    assert clinic.book(patient, doctor, noon).json["code"] == "SLOT_TAKEN"
    assert clinic.built.database["requests"].count_documents({"people": patient}) == 0


# what dies


def test_a_request_whose_process_was_killed_is_taken_over_when_its_lease_ends(
    clinic: Any, env: dict[str, str], effects: Any
) -> None:
    user = new_id()
    script = f"""
import os, signal
from appointment_service.bootstrap import build
from appointment_service.config import Config
build(Config.read()).requests.once({user!r}, b"k", "same", lambda session: os.kill(os.getpid(), signal.SIGKILL))
"""
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, **env}, check=False, timeout=30)
    assert done.returncode == -signal.SIGKILL
    clinic.clock.real()
    once = clinic.built.requests.once
    with pytest.raises(errors.IdempotencyInProgress):
        once(user, b"k", "same", effect(effects))
    clinic.clock.shift += LEASE + timedelta(seconds=30)
    answer, replayed = once(user, b"k", "same", effect(effects))
    assert (replayed, effects.count_documents({})) == (False, 1)
    assert once(user, b"k", "same", effect(effects)) == (answer, True)


@pytest.mark.parametrize("fails", [False, True])
def test_who_was_taken_for_dead_commits_nothing_any_more(clinic: Any, effects: Any, fails: bool) -> None:
    user, running, overtaken = new_id(), Event(), Event()
    once = clinic.built.requests.once

    def late(session: ClientSession) -> Done:
        done = effect(effects)(session)
        running.set()
        assert overtaken.wait(10)
        if fails:
            raise errors.SlotTaken
        return done

    with ThreadPoolExecutor(1) as pool:
        zombie = pool.submit(once, user, b"k", "same", late)
        assert running.wait(10)
        clinic.clock.shift = LEASE + timedelta(seconds=1)
        answer, _ = once(user, b"k", "same", effect(effects))
        overtaken.set()
        with pytest.raises(errors.IdempotencyInProgress):
            zombie.result()
    assert [item["_id"] for item in effects.find()] == [answer["data"]]
    assert once(user, b"k", "same", effect(effects)) == (answer, True)


def test_of_many_who_would_take_over_from_the_dead_one_does(clinic: Any, effects: Any, together: Together) -> None:
    user = new_id()
    once, held = clinic.built.requests.once, clinic.built.database["requests"]
    once(user, b"k", "same", effect(effects))
    held.update_one(
        {"people": user}, {"$set": {"claim": "dead", "leaseUntil": clinic.clock()}, "$unset": {"answer": 1}}
    )

    def one() -> str:
        try:
            return "again" if once(user, b"k", "same", effect(effects))[1] else "done"
        except errors.IdempotencyInProgress:
            return "again"

    assert Counter(together([one] * 8)) == {"done": 1, "again": 7}
    assert effects.count_documents({}) == 2


def test_who_looked_before_the_answer_came_does_not_take_it_over(clinic: Any) -> None:
    store, request = RequestStore(clinic.built.database), {"_id": new_id(), "claim": "first"}
    store.add(request)
    assert store.answer(request["_id"], "first", [], {"status": 200})
    assert not store.take_over(request, "second", clinic.clock())
    assert not store.answer(request["_id"], "second", [], {"status": 409})


def test_an_answer_falls_with_the_effect(clinic: Any) -> None:
    store, request = RequestStore(clinic.built.database), {"_id": new_id(), "claim": "first"}
    store.add(request)

    def answered_and_failed(session: ClientSession) -> None:
        assert store.answer(request["_id"], "first", [], {"status": 200}, session)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        clinic.built.database.transact(answered_and_failed)
    assert store.request(request["_id"]) == request


# what is the same request


def test_the_same_key_with_another_request_is_refused(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), clinic.doctor()
    item = send(clinic, patient, doctor, noon).json["data"]
    others = [
        send(clinic, patient, doctor, noon + HALF_HOUR),
        send(clinic, patient, doctor, noon, reason="a rash"),
        clinic.act("reschedule", item, keyed(patient, "k"), json={"start": (noon + HALF_HOUR).isoformat()}),
    ]
    refused = [(answer.status_code, answer.json["code"]) for answer in others]
    assert refused == [(422, "IDEMPOTENCY_KEY_REUSED")] * 3
    assert booked_by(clinic, patient) == 1
    assert is_replay(send(clinic, patient, doctor, noon))


def test_the_same_move_of_another_appointment_is_another_request(clinic: Any, noon: datetime) -> None:
    patient, doctor, body = new_id(), clinic.doctor(), {"start": (noon + 3 * HALF_HOUR).isoformat()}
    items = [clinic.booked(patient, doctor, noon + number * HALF_HOUR) for number in range(2)]
    answers = [clinic.act("reschedule", item, keyed(patient, "k"), json=body) for item in items]
    assert [answer.json.get("code") for answer in answers] == [None, "IDEMPOTENCY_KEY_REUSED"]


def test_a_body_written_in_another_way_is_the_same_request(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), clinic.doctor()
    first = send(clinic, patient, doctor, noon, reason="é")
    text = f'{{ "reason":"\\u00e9",\n "start": "{noon.isoformat()}", "doctorId" : "{doctor}"}}'
    headers = {**keyed(patient, "k"), "Content-Type": "application/json"}
    again = clinic.client.post(APPOINTMENTS, data=text, headers=headers)
    assert (told(again), is_replay(again)) == (told(first), True)


def test_a_key_is_its_users_own(clinic: Any, noon: datetime) -> None:
    one, other, doctor = new_id(), new_id(), clinic.doctor()
    answers = [send(clinic, one, doctor, noon), send(clinic, other, doctor, noon + HALF_HOUR)]
    assert [(answer.status_code, is_replay(answer)) for answer in answers] == [(201, False)] * 2
    # nor do a user and a key run together
    made = [
        send(clinic, *pair, noon + HALF_HOUR * 2, key) for *pair, key in ((one, doctor, "ab"), (one + "a", doctor, "b"))
    ]
    assert not any(is_replay(answer) for answer in made)


@pytest.mark.parametrize(
    "key",
    ["1", "a key", '"quoted"', "'", "{}", "a,b;c", "x" * 255, "caf\u00e9", "\u2713 \u65e5\u672c", "\u00e9" * 255],
)
def test_any_printable_key_of_up_to_255_characters_will_do(clinic: Any, noon: datetime, key: str) -> None:
    patient, doctor = new_id(), clinic.doctor()
    # as a server hands bytes over
    wire = key.encode().decode("latin-1")
    first, second = (send(clinic, patient, doctor, noon, wire) for _ in range(2))
    assert (first.status_code, told(first), is_replay(second)) == (201, told(second), True)


def test_bytes_that_are_no_utf8_are_a_key_of_their_own(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), clinic.doctor()
    keys = ("\u00e9", "\u00e9".encode().decode("latin-1"))
    made = [send(clinic, patient, doctor, noon + number * HALF_HOUR, key) for number, key in enumerate(keys)]
    assert [answer.status_code for answer in made] == [201, 201]


@pytest.mark.parametrize(
    "key", ["", " ", "\t", "x" * 256, "a\x00b", "a\tb", "\x7f", "\u0085", "\u00c2\u0085", "\u00c3\u00a9" * 256]
)
def test_no_other_key_will_do(clinic: Any, noon: datetime, key: str) -> None:
    patient = new_id()
    answer = send(clinic, patient, clinic.doctor(), noon, key)
    assert (answer.status_code, answer.json["code"]) == (422, "VALIDATION_FAILED")
    assert [error["field"] for error in answer.json["errors"]] == ["Idempotency-Key"]
    assert booked_by(clinic, patient) == 0


# errors


def test_an_error_is_an_answer_and_stays_it(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), clinic.doctor()
    taken = clinic.booked(new_id(), doctor, noon)
    first = send(clinic, patient, doctor, noon)
    assert (first.status_code, first.json["code"], is_replay(first)) == (409, "SLOT_TAKEN", False)
    clinic.act("cancel", taken, bearer(doctor, "doctor"))
    again = send(clinic, patient, doctor, noon)
    assert (told(again), is_replay(again)) == (told(first), True)
    assert send(clinic, patient, doctor, noon, "another key").status_code == 201


@pytest.mark.parametrize("error", [NotFound, errors.SlotTaken, Forbidden, errors.OfferExpired, VersionMismatch])
def test_errors_that_are_answers(clinic: Any, effects: Any, error: type[AppError]) -> None:
    user, once = new_id(), clinic.built.requests.once

    def refused(session: ClientSession) -> Done:
        effect(effects)(session)
        raise error

    with pytest.raises(error):
        once(user, b"k", "same", refused)
    answer, replayed = once(user, b"k", "same", effect(effects))
    assert (answer["status"], answer["code"], answer["message"]) == (error.status, error.code, error.message)
    assert (replayed, effects.count_documents({})) == (True, 0)


@pytest.mark.parametrize(
    "error",
    [TokenInvalid(), Conflict(), invalid("from", "is past"), ServiceUnavailable(), ZeroDivisionError()],
    ids=repr,
)
def test_after_any_other_error_a_retry_is_tried_anew(clinic: Any, effects: Any, error: Exception) -> None:
    user, once = new_id(), clinic.built.requests.once

    def failing(session: ClientSession) -> Done:
        effect(effects)(session)
        raise error

    with pytest.raises(type(error)):
        once(user, b"k", "same", failing)
    assert once(user, b"k", "same", effect(effects))[1] is False
    assert effects.count_documents({}) == 1


def test_a_body_that_is_refused_uses_no_key_up(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), clinic.doctor()
    assert send(clinic, patient, doctor, noon, color="red").status_code == 422
    assert send(clinic, patient, doctor, noon).status_code == 201


# how long, and about whom


def test_an_answer_is_kept_for_a_day(clinic: Any, noon: datetime) -> None:
    patient, doctor = new_id(), clinic.doctor()
    before = clinic.clock()
    item = send(clinic, patient, doctor, noon).json["data"]
    kept = clinic.built.database["requests"].find_one({"people": patient})
    assert before + KEPT <= kept["expiresAt"] <= clinic.clock() + KEPT
    ttl = clinic.built.database["requests"].index_information()["expire"]
    assert (ttl["key"], ttl["expireAfterSeconds"]) == ([("expiresAt", 1)], 0)
    clinic.act("cancel", item, bearer(patient))
    clinic.clock.shift = KEPT - timedelta(seconds=30)
    assert is_replay(send(clinic, patient, doctor, noon))
    # and not longer, although the database takes its time to delete it
    clinic.clock.shift = KEPT + timedelta(seconds=1)
    anew = send(clinic, patient, doctor, noon)
    assert (anew.status_code, is_replay(anew)) == (201, False)


@pytest.mark.parametrize("role", ["patient", "doctor"])
def test_an_erasure_leaves_no_answer_that_tells_of_the_person(clinic: Any, noon: datetime, role: str) -> None:
    patient, doctor = new_id(), clinic.doctor()
    item = send(clinic, patient, doctor, noon, "mine", reason="canary").json["data"]
    body = {"start": (noon + HALF_HOUR).isoformat()}
    assert clinic.act("reschedule", item, keyed(doctor, "theirs", "doctor"), json=body).status_code == 200
    requests = clinic.built.database["requests"]
    assert "canary" in repr(list(requests.find({"people": patient})))
    assert requests.count_documents({"people": [doctor, patient] if doctor < patient else [patient, doctor]}) == 2
    clinic.tell("user-deleted", patient if role == "patient" else doctor, 6, role)
    assert requests.count_documents({"people": {"$in": [patient, doctor]}}) == 0


def test_a_request_under_way_as_its_user_is_erased_has_no_effect(clinic: Any, effects: Any) -> None:
    user = new_id()

    def perform(session: ClientSession) -> Done:
        done = effect(effects)(session)
        clinic.built.database.transact(lambda other: clinic.built.requests.erase(user, other))
        return done

    with pytest.raises(errors.IdempotencyInProgress):
        clinic.built.requests.once(user, b"k", "same", perform)
    assert effects.count_documents({}) == 0


def test_what_is_remembered_of_requests_is_found_by_indexes(clinic: Any) -> None:
    plan = clinic.built.database["requests"].find({"people": "x"}).explain()["queryPlanner"]["winningPlan"]
    assert "of_people" in repr(plan)
