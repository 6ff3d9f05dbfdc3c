"""A deleted account past its window is purged by beat's schedule, and nothing of the person is left anywhere."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pika
import pymongo
import pytest

from chassis import amqp
from devkit.layout import ROOT
from devkit.suite import Instance
from tests.client import Gateway, Person, eventually
from tests.clinic import PROFILE, book, bookable_doctor, slots
from tests.queues import busy_queues, event_queues

CANARY = "Quillfeather"
PHONE = "+41445557391"

CONTRACTS = ROOT / "contracts"
Mongo = pymongo.MongoClient[dict[str, Any]]


@pytest.fixture
def mongo(suite: Instance) -> Iterator[Mongo]:
    with Mongo(suite.mongodb_uri) as client:
        yield client


def holding(mongo: Mongo, *texts: str) -> set[str]:
    """Every collection of every service that holds one of the texts anywhere."""
    return {
        f"{database}.{collection}"
        for database in mongo.list_database_names()
        if database not in ("admin", "config", "local")
        for collection in mongo[database].list_collection_names()
        if any(text in repr(document) for document in mongo[database][collection].find() for text in texts)
    }


def queues_holding(suite: Instance, *texts: str) -> set[str]:
    """Every queue with a message that holds one of the texts."""
    found = set()
    with pika.BlockingConnection(pika.URLParameters(suite.amqp_url)) as connection:
        for name in event_queues():
            channel = connection.channel()
            while (got := channel.basic_get(name))[0] is not None:
                if any(text in (got[2] or b"").decode(errors="replace") for text in texts):
                    found.add(name)
            # what was looked at goes back to the queue
            channel.close()
    return found


def logs_holding(suite: Instance, *texts: str) -> set[str]:
    """Every log of a process or server that holds one of the texts."""
    logs = (suite.folder / "log").glob("*.log")
    return {log.name for log in logs if any(text in log.read_text(errors="replace") for text in texts)}


def is_erased(admin: Person, user_id: str) -> bool:
    items = admin.get("/admin/erasures?limit=100").expect(200).data["items"]
    return any(item["id"] == user_id and item["completedAt"] for item in items)


def leave(person: Person) -> None:
    body = {"reason": "PRIVACY", "comment": f"{CANARY} leaves"}
    person.call("DELETE", "/users/me", body).expect(200)


def life_of_a_patient(gateway: Gateway, doctor: Person, mongo: Mongo) -> Person:
    """A patient whose name, or a word of theirs, stands in every field that takes one."""
    patient = gateway.sign_up(f"Zora {CANARY}")
    agent = {"User-Agent": f"{CANARY} browser"}
    login = {"email": patient.email, "password": patient.password, "deviceName": f"{CANARY} phone"}
    patient.tokens = gateway.call("POST", "/auth/login", login, headers=agent).expect(200).data
    gateway.call("POST", "/auth/login", {**login, "password": "not hers at all"}, headers=agent).expect(401)
    gateway.call("POST", "/auth/password/forgot", {"email": patient.email}).expect(202)
    profile = {"phone": PHONE, "avatarUrl": f"https://clinic.example/{CANARY}.png", "locale": "de-CH"}
    patient.call("PATCH", "/users/me", profile).expect(200)
    record = {
        "dateOfBirth": "1980-02-29",
        "allergies": [f"{CANARY} allergy"],
        "conditions": [f"{CANARY} condition"],
        "medications": [f"{CANARY} medication"],
        "emergencyContact": {"name": f"Cem {CANARY}", "phone": PHONE, "relation": f"{CANARY} brother"},
        "insurance": {"provider": f"{CANARY} Sana", "policyNumber": f"{CANARY}-77"},
    }
    patient.put("/patients/me", record).expect(200)
    first, second = slots(gateway, doctor)[3]["start"], slots(gateway, doctor)[9]["start"]
    wish = {"doctorId": doctor.id, "start": first, "reason": f"{CANARY} has a cough"}
    key = {"Idempotency-Key": f"{CANARY} once"}
    seen = patient.post("/appointments", wish, headers=key).expect(201).data
    doctor.post(f"/appointments/{seen['id']}/complete").expect(200)
    review = {"rating": 4, "comment": f"{CANARY} was here"}
    written = eventually("the review", lambda: patient.post(f"/appointments/{seen['id']}/review", review).expect(201))
    doctor.put(f"/reviews/{written.data['id']}/reply", {"text": f"Dear {CANARY}, thank you."}).expect(200)
    patient.post(f"/reviews/{written.data['id']}/report", {"reason": f"{CANARY} did not mean it"})
    off = book(patient, doctor, second).expect(201).data
    patient.post(f"/appointments/{off['id']}/cancel", {"reason": f"{CANARY} feels better"}).expect(200)
    again = book(patient, doctor, second).expect(201).data
    later = {"start": slots(gateway, doctor)[20]["start"], "reason": f"{CANARY} is away"}
    patient.post(f"/appointments/{again['id']}/reschedule", later, headers={"Idempotency-Key": "move"}).expect(200)
    patient.post("/calendar/feed").expect(201)
    patient.post(f"/doctors/{doctor.id}/waitlist", {"from": first[:10], "to": second[:10]}).expect(201)
    patient.put(f"/doctors/{doctor.id}/follow").expect(200)
    eventually("the doctor to see the record", lambda: doctor.get(f"/patients/{patient.id}").expect(200))
    return patient


def life_of_a_doctor(gateway: Gateway, admin: Person) -> Person:
    """A doctor likewise."""
    doctor = bookable_doctor(gateway, admin, f"Zeno {CANARY}")
    clinic = {"name": f"{CANARY} Clinic", "address": f"1 {CANARY} Quay", "city": CANARY, "country": "DE"}
    profile = {
        **PROFILE,
        "specialty": f"{CANARY}logy",
        "bio": f"{CANARY} listens first.",
        "qualifications": [f"MD {CANARY}"],
        "clinic": clinic,
        "photoUrl": f"https://clinic.example/{CANARY}.png",
    }
    doctor.put("/doctors/me", profile).expect(200)
    day = slots(gateway, doctor)[-1]["start"][:10]
    override = {"windows": [], "reason": f"{CANARY} is away"}
    doctor.put(f"/doctors/me/availability/overrides/{day}", override).expect(200)
    patient = gateway.sign_up("Ann Lee")
    booked = book(patient, doctor, slots(gateway, doctor)[2]["start"]).expect(201).data
    doctor.post(f"/appointments/{booked['id']}/cancel", {"reason": f"{CANARY} is ill"}).expect(200)
    return doctor


def test_after_the_purge_nothing_of_the_person_is_left(
    gateway: Gateway, admin: Person, mongo: Mongo, suite: Instance
) -> None:
    staying = bookable_doctor(gateway, admin)
    patient = life_of_a_patient(gateway, staying, mongo)
    doctor = life_of_a_doctor(gateway, admin)
    traces = (CANARY, PHONE, patient.email, doctor.email)
    services = {place.split(".")[0] for place in holding(mongo, *traces)}
    assert services >= {"auth-service", "user-service", "doctor-service", "appointment-service", "review-service"}

    leave(patient)
    leave(doctor)
    for person in (patient, doctor):
        eventually("the receipts of all services", lambda person=person: is_erased(admin, person.id), seconds=60)
    assert holding(mongo, *traces) == set()
    assert queues_holding(suite, *traces) == set()
    assert logs_holding(suite, *traces) == set()

    # the bare ids stay, so that no late event brings anything back: as tombstones, on the erasures' records, in the
    # audit, and where appointment-service notes that these accounts take no part any more
    kept = {"tombstones", "erasures", "calendars", "audit", "revocations"}
    assert {place.split(".")[1] for place in holding(mongo, patient.id, doctor.id)} <= kept
    for person in (patient, doctor):
        person.log_in().expect(401, "INVALID_CREDENTIALS")
        assert person.get("/users/me").status == 401
    gateway.call("GET", f"/doctors/{doctor.id}").expect(404)
    assert gateway.call("GET", f"/doctors/{staying.id}").data["followers"] == 0
    (shown,) = gateway.call("GET", f"/doctors/{staying.id}/reviews").expect(200).data["items"]
    assert shown["rating"] == 4
    assert CANARY not in repr(shown)

    # and what was under way all the while arrives now
    publish(suite, old_events(patient.id, doctor.id))
    eventually("the late events to be handled", lambda: not busy_queues(suite))
    assert holding(mongo, *traces, "Latecomer") == set()
    assert {place.split(".")[1] for place in holding(mongo, patient.id, doctor.id)} <= kept
    patient.log_in().expect(401, "INVALID_CREDENTIALS")


def late(kind: str, **data: Any) -> dict[str, Any]:
    """The contract's example of an event, as a new one about somebody else."""
    event: dict[str, Any] = json.loads((CONTRACTS / "events" / f"{kind}.v1.example.json").read_text())
    return {**event, "id": secrets.token_hex(16), "data": {**event["data"], **data}}


def publish(suite: Instance, events: list[dict[str, Any]]) -> None:
    """Put them on their sources' exchanges; fails if no queue takes one."""
    with pika.BlockingConnection(pika.URLParameters(suite.amqp_url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        properties = pika.BasicProperties(content_type="application/json", content_encoding="utf-8", delivery_mode=2)
        for event in events:
            body = json.dumps(event).encode()
            channel.basic_publish(amqp.exchange(event["source"]), event["type"], body, properties, mandatory=True)


def old_events(patient_id: str, doctor_id: str) -> list[dict[str, Any]]:
    """Events about people who are gone, as a queue might have held them back."""
    appointment = {"patientId": patient_id, "doctorId": doctor_id}
    return [
        late("user-registered", userId=patient_id, name="Latecomer", email="latecomer@clinic.example"),
        late("user-updated", userId=doctor_id, name="Latecomer", version=900),
        late("user-recovered", userId=patient_id, version=900),
        late("user-reinstated", userId=doctor_id, version=900),
        late("email-verified", userId=patient_id),
        late("password-reset-requested", userId=patient_id),
        late("password-changed", userId=patient_id),
        late("doctor-updated", doctorId=doctor_id, name="Latecomer", version=900),
        *(late(f"appointment-{kind}", **appointment) for kind in ("requested", "booked", "rescheduled", "completed")),
        late("waitlist-offered", **appointment),
        late("next-available-changed", doctorId=doctor_id, version=900),
        late("review-changed", doctorId=doctor_id),
    ]


def test_an_account_within_its_window_is_not_purged(gateway: Gateway, admin: Person) -> None:
    patient = gateway.sign_up("Ann Lee")
    patient.call("DELETE", "/users/me", {"reason": "OTHER"}).expect(200)
    eventually("the login to be refused", lambda: patient.log_in().expect(403, "ACCOUNT_DELETED"))
    run = admin.post("/admin/jobs/purge-accounts/run").expect(202).data

    def finished() -> bool:
        runs = admin.get("/admin/jobs/purge-accounts/runs?limit=100").expect(200).data["items"]
        return any(item["id"] == run["id"] and item["status"] == "SUCCEEDED" for item in runs)

    eventually("the job", finished)
    body = {"email": patient.email, "password": patient.password}
    patient.tokens = gateway.call("POST", "/auth/recover", body).expect(200).data
    assert patient.get("/users/me").expect(200).data["status"] == "ACTIVE"


def test_an_erasure_whose_receipt_is_late_stays_open_and_is_announced_again(
    gateway: Gateway, admin: Person, suite: Instance, mongo: Mongo
) -> None:
    """The message that told review-service is lost, as if an operator had emptied the wrong queue."""
    patient = gateway.sign_up(f"Zora {CANARY}")
    queue = amqp.queue("review-service", "user-service", "user-deleted")
    suite.stop("review-consumer")
    try:
        leave(patient)

        def awaited() -> list[str]:
            items = admin.get("/admin/erasures?limit=100").expect(200).data["items"]
            return next((item["awaiting"] for item in items if item["id"] == patient.id), [])

        eventually("the others' receipts", lambda: awaited() == ["review-service"], seconds=60)
        with pika.BlockingConnection(pika.URLParameters(suite.amqp_url)) as connection:
            connection.channel().queue_purge(queue)
    finally:
        suite.start("review-consumer")
    eventually("the erasure to be complete", lambda: is_erased(admin, patient.id), seconds=60)
    items = admin.get("/admin/erasures?limit=100").expect(200).data["items"]
    assert next(item["announcements"] for item in items if item["id"] == patient.id) >= 2
