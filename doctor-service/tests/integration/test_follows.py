"""Whom patients follow."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from doctor_service import events
from doctor_service.app import create_app
from doctor_service.bootstrap import Built

Make = Callable[..., Any]


def followers(anyone: Any, doctor: Any) -> int:
    return int(anyone.get(f"/doctors/{doctor.id}")["followers"])


def test_following_and_unfollowing_count_once(listed: Make, patient: Any, anyone: Any, built: Built) -> None:
    doctor = listed()
    path = f"/doctors/{doctor.id}/follow"
    for _ in range(2):
        assert patient.call("PUT", path).status_code == 200
        assert followers(anyone, doctor) == 1
    for _ in range(2):
        assert patient.call("DELETE", path).status_code == 200
        assert followers(anyone, doctor) == 0
    stored = built.database["doctors"].find_one({"_id": doctor.id})
    # the doctor did not change: no version, and nothing to tell
    assert stored
    assert stored["version"] == 2
    assert len(stored["outbox"]) == 2


def test_the_count_is_right_however_many_follow_at_once(listed: Make, person: Make, built: Built) -> None:
    app, doctor, workers = create_app(built), listed(), 16
    patients = [person("patient") for _ in range(workers // 2)]
    barrier = Barrier(workers)

    def change(number: int) -> int:
        barrier.wait()
        # each patient twice at once, as two tabs would; every fourth changes its mind
        headers = patients[number // 2].headers
        path = f"/api/v1/doctors/{doctor.id}/follow"
        status = app.test_client().put(path, headers=headers).status_code
        if number // 2 % 4 == 0:
            status = max(status, app.test_client().delete(path, headers=headers).status_code)
        return status

    with ThreadPoolExecutor(workers) as pool:
        assert set(pool.map(change, range(workers))) == {200}
    stored = built.database["doctors"].find_one({"_id": doctor.id})
    assert stored
    assert stored["followers"] == built.database["follows"].count_documents({"doctorId": doctor.id})
    # of the two tabs of one who changed its mind, the last may have followed again
    assert 6 <= stored["followers"] <= 8


def test_the_count_is_right_while_followers_come_and_go_and_are_erased(
    listed: Make, person: Make, built: Built
) -> None:
    app, doctor = create_app(built), listed()
    patients = [person("patient") for _ in range(6)]
    path, barrier = f"/api/v1/doctors/{doctor.id}/follow", Barrier(18)

    def call(patient: Any, method: str) -> None:
        barrier.wait()
        assert app.test_client().open(path, method=method, headers=patient.headers).status_code in (200, 401)

    def erase(patient: Any, _: str) -> None:
        event = events.UserDeleted(user_id=patient.id, version=9)
        barrier.wait()
        built.database.transact(lambda session: built.doctors.user_deleted(event, session))

    with ThreadPoolExecutor(18) as pool:
        tries = [
            pool.submit(what, patient, method)
            for number, patient in enumerate(patients)
            for what, method in ((call, "PUT"), (call, "PUT"), (erase if number % 2 else call, "DELETE"))
        ]
        for each in tries:
            each.result()
    follows = {follow["patientId"] for follow in built.database["follows"].find({"doctorId": doctor.id})}
    assert follows <= {patient.id for patient in patients[::2]}
    stored = built.database["doctors"].find_one({"_id": doctor.id})
    assert stored
    assert stored["followers"] == len(follows)


def test_nobody_follows_a_doctor_who_was_erased_at_that_moment(listed: Make, person: Make, built: Built) -> None:
    app, doctor, barrier = create_app(built), listed(), Barrier(9)
    patients = [person("patient") for _ in range(8)]

    def follow(patient: Any) -> int:
        barrier.wait()
        return app.test_client().put(f"/api/v1/doctors/{doctor.id}/follow", headers=patient.headers).status_code

    def erase() -> None:
        barrier.wait()
        event = events.UserDeleted(user_id=doctor.id, version=9)
        built.database.transact(lambda session: built.doctors.user_deleted(event, session))

    with ThreadPoolExecutor(9) as pool:
        erased = pool.submit(erase)
        assert set(pool.map(follow, patients)) <= {200, 404}
        erased.result()
    assert built.database["follows"].count_documents({"doctorId": doctor.id}) == 0


@pytest.mark.parametrize("hide", [True, False])
def test_only_a_listed_doctor_can_be_followed(listed: Make, patient: Any, hide: bool, built: Built) -> None:
    doctor_id = "nobody"
    if hide:
        doctor = listed()
        doctor.call("PUT", "/doctors/me/visibility", {"visible": False})
        doctor_id = doctor.id
    answer = patient.call("PUT", f"/doctors/{doctor_id}/follow")
    assert (answer.status_code, answer.json["code"]) == (404, "DOCTOR_NOT_FOUND")
    assert patient.get("/users/me/following")["items"] == []


def test_a_doctor_who_is_listed_no_more_can_be_unfollowed(listed: Make, patient: Any) -> None:
    doctor = listed()
    path = f"/doctors/{doctor.id}/follow"
    patient.call("PUT", path)
    doctor.call("PUT", "/doctors/me/visibility", {"visible": False})
    (follow,) = patient.get("/users/me/following")["items"]
    assert (follow["doctorId"], follow["doctor"]) == (doctor.id, None)
    assert patient.call("DELETE", path).status_code == 200
    assert doctor.get("/doctors/me")["followers"] == 0


def test_the_followed_are_paged_latest_first(listed: Make, person: Make) -> None:
    patient, other = person("patient"), person("patient")
    doctors = [listed(f"Doctor {number}") for number in range(5)]
    for doctor in doctors:
        patient.call("PUT", f"/doctors/{doctor.id}/follow")
    other.call("PUT", f"/doctors/{doctors[0].id}/follow")
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        data = patient.get(f"/users/me/following?limit=2{cursor and '&cursor='}{cursor}")
        seen += [follow["doctor"]["id"] for follow in data["items"]]
        cursor = data["nextCursor"]
    assert seen == [doctor.id for doctor in reversed(doctors)]


@pytest.mark.parametrize("role", ["doctor", "admin"])
def test_only_patients_follow(person: Make, listed: Make, role: str) -> None:
    someone = person(role)
    path = f"/doctors/{listed().id}/follow"
    assert someone.call("PUT", path).status_code == 403
    assert someone.call("DELETE", path).status_code == 403
    assert someone.call("GET", "/users/me/following").status_code == 403


def test_an_erased_patient_follows_nobody_with_a_token_that_is_still_out(
    listed: Make, patient: Any, anyone: Any, built: Built
) -> None:
    doctor = listed()
    built.database["tombstones"].insert_one({"_id": patient.id})
    answer = patient.call("PUT", f"/doctors/{doctor.id}/follow")
    assert (answer.status_code, answer.json["code"]) == (401, "TOKEN_INVALID")
    assert followers(anyone, doctor) == 0


def test_a_page_of_follows_reads_its_index(listed: Make, patient: Any, built: Built) -> None:
    patient.call("PUT", f"/doctors/{listed().id}/follow")
    database = built.database.db
    database.command("profile", 2)
    patient.get("/users/me/following")
    database.command("profile", 0)
    operations = list(database["system.profile"].find({"op": "query", "ns": {"$regex": "doctors|follows"}}))
    database.drop_collection("system.profile")
    assert len(operations) == 2
    for operation in operations:
        assert "COLLSCAN" not in operation["planSummary"]
        assert not operation.get("hasSortStage")
