"""Whatever happens to the reviews of a doctor at once, the figures are what a recount of the reviews says."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier

from flask.testing import FlaskClient
from visits import Visit

from chassis.clock import new_id
from devkit.testing import bearer
from review_service import events
from review_service.bootstrap import Built

Visits = Callable[..., Visit]
WORKERS = 6
STEPS = 12


def test_the_figures_survive_everything_at_once(client: FlaskClient, built: Built, visit: Visits) -> None:
    doctor_id = new_id()
    standing = [visit(doctor_id) for _ in range(6)]
    ids = [made.review(client, 3, comment="words").json["data"]["id"] for made in standing]
    fresh = [[visit(doctor_id) for _ in range(2)] for _ in range(WORKERS)]
    gone = standing[0].patient_id
    barrier = Barrier(WORKERS + 1)

    def worker(number: int) -> Counter[int]:
        own, random, outcomes = client.application.test_client(), Random(number), Counter[int]()
        admin = bearer(new_id(), role="admin")
        barrier.wait()
        for made in fresh[number]:
            outcomes[made.review(own, random.randint(1, 5)).status_code] += 1
        for _ in range(STEPS):
            place = random.randrange(len(ids))
            path, author = f"reviews/{ids[place]}", bearer(standing[place].patient_id)
            method, route, headers, body = random.choice(
                [
                    ("PATCH", path, author, {"rating": random.randint(1, 5)}),
                    ("PATCH", path, author, {"rating": random.randint(1, 5), "comment": "words"}),
                    ("PUT", f"{path}/reply", bearer(doctor_id, role="doctor"), {"text": str(random.random())}),
                    ("POST", f"admin/{path}/hide", admin, {"reason": "words"}),
                    ("POST", f"admin/{path}/restore", admin, {}),
                    *([("DELETE", path, author, {})] if random.random() < 0.2 else []),
                ]
            )
            answer = own.open(f"/api/v1/{route}", method=method, headers=headers, json=body)
            outcomes[answer.status_code] += 1
        return outcomes

    def erase() -> None:
        barrier.wait()
        event = events.UserDeleted(user_id=gone, version=9)
        built.database.transact(lambda session: built.service.user_deleted(event, session))

    with ThreadPoolExecutor(WORKERS + 1) as pool:
        erasure = pool.submit(erase)
        outcomes = sum(pool.map(worker, range(WORKERS)), Counter[int]())
        erasure.result()

    assert set(outcomes) <= {200, 201, 404}, outcomes
    assert outcomes[201] == 2 * WORKERS
    counted = [
        review["rating"] for review in built.database["reviews"].find({"doctorId": doctor_id}) if not review["hidden"]
    ]
    rating = built.database["ratings"].find_one({"_id": doctor_id})
    assert rating
    histogram = Counter({int(stars): number for stars, number in rating["histogram"].items()})
    assert (rating["count"], rating["sum"]) == (len(counted), sum(counted))
    assert {stars: number for stars, number in histogram.items() if number} == Counter(counted)
    # deleted reviews keep what they announce, so nothing is missing here
    told = [
        event["data"]["doctorRating"]
        for review in built.database["reviews"].find({"outbox.data.doctorId": doctor_id})
        for event in review["outbox"]
        if event["data"].get("doctorId") == doctor_id
    ]
    assert sorted(item["version"] for item in told) == list(range(1, rating["version"] + 1))
    assert max(told, key=lambda item: item["version"])["count"] == rating["count"]
    erased = built.database["reviews"].find_one({"_id": ids[0]})
    assert erased
    assert (erased["patientId"], erased["comment"]) == (None, None)


def test_ten_reports_of_one_person_at_once_are_one(client: FlaskClient, built: Built, visit: Visits) -> None:
    review_id, reporter = visit().review(client).json["data"]["id"], new_id()
    barrier = Barrier(10)

    def report(_: int) -> None:
        barrier.wait()
        built.changes.report(review_id, reporter, "x")

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(report, range(10)))
    stored = built.database["reviews"].find_one({"_id": review_id})
    assert stored
    assert len(stored["reports"]) == 1
