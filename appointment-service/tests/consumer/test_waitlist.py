"""The waitlist through the real consumer process: the job that passes offers on, and an export."""

from datetime import datetime, timedelta
from typing import Any

from appointment_service.service.waitlist import Freed
from chassis.clock import new_id
from chassis.rpc import RpcClient
from devkit.testing import bearer, running


def test_a_job_passes_on_what_nobody_took_and_an_export_tells_of_it(
    clinic: Any, env: dict[str, str], amqp_url: str, noon: datetime
) -> None:
    doctor, people = clinic.doctor(), [new_id(), new_id()]
    dates = {"from": str(noon.date()), "to": str(noon.date())}
    for patient in people:
        path = f"/api/v1/doctors/{doctor}/waitlist"
        assert clinic.client.post(path, json=dates, headers=bearer(patient)).status_code == 201
    # offered an hour ago to a process whose clock is the real one
    clinic.clock.real()
    clinic.clock.shift -= timedelta(hours=1)
    freed = [Freed(doctor, noon, noon + timedelta(minutes=30))]
    clinic.built.database.transact(lambda session: clinic.built.waitlist.hold(freed, session))
    rpc = RpcClient(amqp_url)
    with running("appointment_service.consumer", env):
        assert rpc.call("appointment-service", "expire_offers", limit=50)["passedOn"] >= 1
        told = [rpc.call("appointment-service", "export_user", user_id=patient)["waitlist"] for patient in people]
    assert [[place["status"] for place in places] for places in told] == [["WAITING"], ["OFFERED"]]
    shown = clinic.client.get("/api/v1/waitlist", headers=bearer(people[1])).json["data"]["items"][0]
    assert told[1][0].keys() == shown.keys()
