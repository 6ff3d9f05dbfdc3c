"""Sessions that ended are over at every gateway process, whatever ended them."""

from tests.client import Gateway, Person, eventually
from tests.clinic import book, bookable_doctor, slots

TRIES = 20
"""Requests over connections of their own: enough that each gateway process takes some."""


def is_refused_everywhere(person: Person) -> bool:
    return all(person.get("/users/me").code == "TOKEN_REVOKED" for _ in range(TRIES))


def is_let_in_everywhere(person: Person) -> bool:
    return all(person.get("/users/me").status == 200 for _ in range(TRIES))


def another_device(person: Person) -> Person:
    return person.gateway.log_in(person.email, person.password)


def test_a_device_that_logged_out_is_refused_while_the_other_goes_on(gateway: Gateway) -> None:
    phone = gateway.sign_up("Ann Lee")
    laptop = another_device(phone)
    assert len(phone.get("/auth/sessions").expect(200).data["items"]) == 2
    laptop.post("/auth/logout").expect(200)
    eventually("the token to be refused", lambda: is_refused_everywhere(laptop))
    gateway.call("POST", "/auth/refresh", {"refreshToken": laptop.tokens["refreshToken"]}).expect(401)
    assert is_let_in_everywhere(phone)


def test_a_session_ended_from_another_device_is_refused(gateway: Gateway) -> None:
    phone = gateway.sign_up("Ann Lee")
    laptop = another_device(phone)
    phone.call("DELETE", f"/auth/sessions/{laptop.tokens['sessionId']}").expect(200)
    eventually("the token to be refused", lambda: is_refused_everywhere(laptop))
    assert [item["current"] for item in phone.get("/auth/sessions").expect(200).data["items"]] == [True]


def test_logging_out_everywhere_refuses_every_device(gateway: Gateway) -> None:
    phone = gateway.sign_up("Ann Lee")
    laptop = another_device(phone)
    phone.post("/auth/logout-all").expect(200)
    eventually("both to be refused", lambda: is_refused_everywhere(phone) and is_refused_everywhere(laptop))
    phone.log_in().expect(200)
    assert is_let_in_everywhere(phone)


def test_a_stolen_refresh_token_that_comes_again_ends_the_session(gateway: Gateway) -> None:
    patient = gateway.sign_up("Ann Lee")
    stolen = patient.tokens["refreshToken"]
    for _ in range(2):
        answer = gateway.call("POST", "/auth/refresh", {"refreshToken": patient.tokens["refreshToken"]})
        patient.tokens = answer.expect(200).data
    gateway.call("POST", "/auth/refresh", {"refreshToken": stolen}).expect(401, "REFRESH_TOKEN_REUSED")
    eventually("the token to be refused", lambda: is_refused_everywhere(patient))
    gateway.call("POST", "/auth/refresh", {"refreshToken": patient.tokens["refreshToken"]}).expect(401)


def test_a_changed_password_ends_the_other_devices(gateway: Gateway) -> None:
    phone = gateway.sign_up("Ann Lee")
    laptop = another_device(phone)
    body = {"currentPassword": phone.password, "newPassword": "plum orchard kettle 9"}
    phone.post("/auth/password", {**body, "currentPassword": "not hers at all"}).expect(401, "INVALID_CREDENTIALS")
    phone.post("/auth/password", body).expect(200)
    eventually("the other device to be refused", lambda: is_refused_everywhere(laptop))
    assert is_let_in_everywhere(phone)
    phone.log_in().expect(401, "INVALID_CREDENTIALS")
    phone.password = body["newPassword"]
    phone.log_in().expect(200)


def test_a_suspended_doctor_is_out_until_reinstated(gateway: Gateway, admin: Person) -> None:
    doctor = bookable_doctor(gateway, admin)
    patient = gateway.sign_up("Ann Lee")
    booked = book(patient, doctor, slots(gateway, doctor)[5]["start"]).expect(201).data

    patient.post(f"/admin/users/{doctor.id}/suspend", {"reason": "Because."}).expect(403)
    admin.post(f"/admin/users/{doctor.id}/suspend", {"reason": "The licence has lapsed."}).expect(200)
    eventually("the doctor's token to be refused", lambda: is_refused_everywhere(doctor))
    eventually("the login to be refused", lambda: doctor.log_in().expect(403, "ACCOUNT_SUSPENDED"))
    wrong = {"email": doctor.email, "password": "not his at all"}
    gateway.call("POST", "/auth/login", wrong).expect(401, "INVALID_CREDENTIALS")
    gateway.call("POST", "/auth/refresh", {"refreshToken": doctor.tokens["refreshToken"]}).expect(401)
    eventually(
        "the appointment to be cancelled",
        lambda: patient.get(f"/appointments/{booked['id']}").data["status"] == "CANCELLED",
    )
    eventually("the doctor to be unlisted", lambda: gateway.call("GET", f"/doctors/{doctor.id}").expect(404))

    admin.post(f"/admin/users/{doctor.id}/reinstate").expect(200)
    eventually("the login", lambda: doctor.log_in().expect(200))
    assert is_let_in_everywhere(doctor)
    eventually("the doctor to be listed", lambda: gateway.call("GET", f"/doctors/{doctor.id}").expect(200))
    assert patient.get(f"/appointments/{booked['id']}").data["status"] == "CANCELLED"


def test_a_suspended_patients_appointments_stand(gateway: Gateway, admin: Person) -> None:
    doctor = bookable_doctor(gateway, admin)
    patient = gateway.sign_up("Ann Lee")
    booked = book(patient, doctor, slots(gateway, doctor)[5]["start"]).expect(201).data
    admin.post(f"/admin/users/{patient.id}/suspend", {"reason": "Abusive messages."}).expect(200)
    eventually("the patient's token to be refused", lambda: is_refused_everywhere(patient))
    assert doctor.get(f"/appointments/{booked['id']}").expect(200).data["status"] == "BOOKED"


def test_tokens_from_before_a_deletion_stay_refused_after_the_recovery(gateway: Gateway) -> None:
    patient = gateway.sign_up("Ann Lee")
    before = Person(gateway, patient.email, patient.password, patient.tokens)
    patient.call("DELETE", "/users/me", {"reason": "OTHER"}).expect(200)
    eventually("the token to be refused", lambda: is_refused_everywhere(before))
    body = {"email": patient.email, "password": patient.password}
    patient.tokens = gateway.call("POST", "/auth/recover", body).expect(200).data
    assert is_let_in_everywhere(patient)
    assert is_refused_everywhere(before)
    gateway.call("POST", "/auth/refresh", {"refreshToken": before.tokens["refreshToken"]}).expect(401)
