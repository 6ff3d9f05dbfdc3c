"""One document of all that the suite holds about a person, or none."""

from devkit.suite import Instance
from tests.client import Gateway, Person, eventually
from tests.clinic import bookable_doctor, slots


def test_an_export_holds_what_every_service_holds(gateway: Gateway, admin: Person) -> None:
    doctor, patient = bookable_doctor(gateway, admin), gateway.sign_up("Ann Lee")
    patient.put("/patients/me", {"allergies": ["Penicillin"]}).expect(200)
    patient.put(f"/doctors/{doctor.id}/follow").expect(200)
    wish = {"doctorId": doctor.id, "start": slots(gateway, doctor)[5]["start"], "reason": "A cough"}
    booked = patient.post("/appointments", wish).expect(201).data
    doctor.post(f"/appointments/{booked['id']}/complete").expect(200)
    review = {"rating": 4, "comment": "Kind and quick."}
    eventually("the review", lambda: patient.post(f"/appointments/{booked['id']}/review", review).expect(201))
    whole = patient.get("/users/me/export").expect(200)
    told = whole.data
    assert told["account"]["email"] == patient.email
    assert told["patientRecord"]["allergies"] == ["Penicillin"]
    parts = {name: str(part) for name, part in told["services"].items()}
    assert patient.tokens["sessionId"] in parts["auth-service"]
    assert doctor.id in parts["doctor-service"]
    assert "A cough" in parts["appointment-service"]
    assert "Kind and quick." in parts["review-service"]
    assert booked["start"][:16] in parts["scheduler-service"]
    assert "argon2" not in str(told)
    assert patient.tokens["refreshToken"].rpartition(".")[2] not in str(told)


def test_a_part_is_never_given_as_if_it_were_the_whole(gateway: Gateway, suite: Instance) -> None:
    patient = gateway.sign_up("Ann Lee")
    suite.stop("review-consumer")
    try:
        patient.get("/users/me/export").expect(503, "SERVICE_UNAVAILABLE")
    finally:
        suite.start("review-consumer")
    eventually("the whole", lambda: patient.get("/users/me/export").expect(200), seconds=60)
