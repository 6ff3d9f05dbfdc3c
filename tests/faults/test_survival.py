"""Processes die and come back, the broker goes away, the suite stops and starts: nothing is lost."""

from devkit.suite import Instance
from tests.chaos.instance import ChaosInstance
from tests.client import Gateway, Person, eventually
from tests.clinic import book, bookable_doctor, slots

#: One of each kind; `make chaos` kills them all, while clients work.
KINDS = (
    "gateway-web",
    "appointment-web",
    "appointment-consumer",
    "appointment-relay",
    "scheduler-worker",
    "scheduler-beat",
)


def back(suite: Instance, before: dict[str, int]) -> bool:
    """Whether every process in ``before`` (name: pid) was replaced by one that is healthy."""
    rows = {row.name: row for row in suite.status()}
    return all(rows[name].healthy and rows[name].pid != pid for name, pid in before.items())


def test_every_kind_of_process_the_database_and_the_broker_come_back_from_kill_9(
    suite: ChaosInstance, gateway: Gateway, admin: Person
) -> None:
    doctor = bookable_doctor(gateway, admin)
    patient = gateway.sign_up("Ann Lee")
    booked = book(patient, doctor, slots(gateway, doctor)[5]["start"]).expect(201).data
    for kinds in (KINDS, ("mongod", "rabbitmq")):
        pids = {name: suite.pid(name) for name in kinds}
        for name in pids:
            suite.kill(name)
        eventually("every one to be back", lambda pids=pids: back(suite, pids), seconds=90)
    eventually("the suite to be healthy", lambda: all(row.healthy for row in suite.status()), seconds=90)
    # healthy processes wait for their broker: what tells of events within seconds is a consumer that listens again
    eventually("every consumer to be back", lambda: not suite.unconsumed(), seconds=30)
    assert patient.get(f"/appointments/{booked['id']}").expect(200).data["status"] == "BOOKED"
    doctor.post(f"/appointments/{booked['id']}/complete").expect(200)
    review = {"rating": 5}
    eventually(
        "the visit to be known to the reviews",
        lambda: patient.post(f"/appointments/{booked['id']}/review", review).expect(201),
    )


def test_while_the_broker_is_away_people_sign_up_and_book_and_what_happened_is_told_after(
    suite: Instance, gateway: Gateway, admin: Person
) -> None:
    doctor = bookable_doctor(gateway, admin)
    suite.stop("rabbitmq")
    try:
        patient = gateway.sign_up("Ann Lee")
        assert patient.get("/users/me").expect(200).data["name"] == "Ann Lee"
        booked = book(patient, doctor, slots(gateway, doctor)[5]["start"]).expect(201).data
        doctor.post(f"/appointments/{booked['id']}/complete").expect(200)
    finally:
        suite.start("rabbitmq")
    review = {"rating": 5}
    eventually(
        "the visit to be known to the reviews",
        lambda: patient.post(f"/appointments/{booked['id']}/review", review).expect(201),
        seconds=60,
    )


def test_stop_and_start_again_loses_nothing(suite: Instance, gateway: Gateway, admin: Person) -> None:
    doctor = bookable_doctor(gateway, admin)
    patient = gateway.sign_up("Ann Lee")
    booked = book(patient, doctor, slots(gateway, doctor)[5]["start"]).expect(201).data
    suite.down(lambda _: None)
    suite.up(lambda _: None)
    patient.log_in().expect(200)
    assert patient.get(f"/appointments/{booked['id']}").expect(200).data["status"] == "BOOKED"
    assert booked["start"] not in {item["start"] for item in slots(gateway, doctor)}
