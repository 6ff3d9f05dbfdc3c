"""The export is the whole of what every service holds, or none of it."""

import json
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient

from chassis import context
from chassis.clock import new_id
from chassis.errors import ServiceUnavailable
from chassis.rpc import Refused, RpcClient
from devkit.testing import bearer
from user_service import events
from user_service.bootstrap import Built

ME = "/api/v1/users/me"
EXPORT = f"{ME}/export"


class Others:
    """The other services, each of which answers only once all have been asked."""

    def __init__(self) -> None:
        self.asked: dict[str, tuple[str, str, str | None]] = {}
        self.answers: dict[str, Any] = {}
        self._all = Barrier(len(events.HOLDERS))

    def call(self, service: str, method: str, *, timeout: float, user_id: str) -> Any:
        self.asked[service] = (method, user_id, context.request_id())
        self._all.wait(5)
        answer = self.answers.get(service, {"of": service})
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> Others:
    made = Others()
    monkeypatch.setattr(RpcClient, "call", lambda _, *args, **kwargs: made.call(*args, **kwargs))
    return made


def exports(built: Built, user_id: str) -> list[dict[str, Any]]:
    return list(built.database["audit"].find({"subjectId": user_id, "action": "data.exported"}))


def test_an_export_holds_what_every_service_holds(
    client: FlaskClient, built: Built, others: Others, user_id: str
) -> None:
    client.patch(ME, json={"locale": "fr"}, headers=bearer(user_id))
    client.put("/api/v1/patients/me", json={"allergies": ["penicillin"]}, headers=bearer(user_id))
    client.get(f"/api/v1/admin/users/{user_id}", headers=bearer("boss", "admin"))
    appointment, doctor = new_id(), new_id()
    related = events.AppointmentChanged(appointment_id=appointment, doctor_id=doctor, patient_id=user_id, version=1)
    built.database.transact(lambda session: built.service.relations.relate(related, cancelled=False, session=session))
    answer = client.get(EXPORT, headers=bearer(user_id))
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="export.json"'
    data = answer.json["data"]
    assert data["userId"] == data["account"]["_id"] == user_id
    assert (data["account"]["email"], data["account"]["locale"]) == (f"{user_id}@clinic.example", "fr")
    assert not {"search", "outbox"} & set(data["account"])
    assert data["patientRecord"]["allergies"] == ["penicillin"]
    assert [(one["_id"], one["doctorId"]) for one in data["careRelations"]] == [(appointment, doctor)]
    assert {entry["action"] for entry in data["accessLog"]} >= {"user.read", "data.exported"}
    assert data["services"] == {name: {"of": name} for name in events.HOLDERS}


def test_all_are_asked_at_once_about_the_caller_and_know_the_request(
    client: FlaskClient, others: Others, user_id: str
) -> None:
    answer = client.get(EXPORT, headers=bearer(user_id) | {"X-Request-Id": "my-export"})
    assert answer.status_code == 200
    assert others.asked == dict.fromkeys(events.HOLDERS, ("export_user", user_id, "my-export"))


REFUSED = Refused({"status": 404, "code": "NOT_FOUND", "message": "There is no such thing here."})
FAILURES = [
    *((service, ServiceUnavailable()) for service in events.HOLDERS),
    *((events.HOLDERS[0], failure) for failure in (REFUSED, None, [])),
]


@pytest.mark.parametrize(("service", "failure"), FAILURES)
def test_if_one_cannot_tell_its_part_there_is_no_export(
    client: FlaskClient, built: Built, others: Others, user_id: str, service: str, failure: Any
) -> None:
    others.answers[service] = failure
    answer = client.get(EXPORT, headers=bearer(user_id))
    assert (answer.status_code, answer.json["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert answer.headers["Retry-After"]
    assert "data" not in answer.json
    assert "Content-Disposition" not in answer.headers
    assert exports(built, user_id) == []


def test_where_nobody_listens_there_is_no_export(client: FlaskClient, user_id: str) -> None:
    answer = client.get(EXPORT, headers=bearer(user_id))
    assert (answer.status_code, answer.json["code"]) == (503, "SERVICE_UNAVAILABLE")


def test_an_export_is_entered_as_done_by_its_owner(
    client: FlaskClient, built: Built, others: Others, user_id: str
) -> None:
    client.get(EXPORT, headers=bearer(user_id, "doctor"))
    (entry,) = exports(built, user_id)
    assert (entry["actorId"], entry["actorRole"], entry["refusedFor"]) == (user_id, "doctor", None)


def test_an_export_tells_of_nobody_else(client: FlaskClient, others: Others, user_id: str) -> None:
    other = new_id()
    client.patch(ME, json={"name": "Someone Else"}, headers=bearer(other))
    client.get(EXPORT, headers=bearer(other))
    others.asked.clear()
    answer = client.get(EXPORT, headers=bearer(user_id))
    told = json.dumps(answer.json["data"])
    assert other not in told
    assert "Someone Else" not in told
    assert {asked[1] for asked in others.asked.values()} == {user_id}
