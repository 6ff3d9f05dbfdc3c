"""A request is followed by its id, and by its trace, to the mail that comes of it; every process tells figures."""

import json
from typing import Any

import pytest
import requests

from devkit.collector import Collector, Span
from devkit.suite import Instance
from tests.client import Gateway, Person, eventually
from tests.clinic import bookable_doctor, slots
from tests.meta.test_metrics import METRICS
from tests.post import mails_to

Lines = dict[str, list[dict[str, Any]]]

RARE = {
    "gateway_rate_limited_total",
    "gateway_requests_shed_total",
    "gateway_revocation_questions_total",
    "gateway_revoked_tokens_refused_total",
    "auth_attempts_over_limit_total",
}
"""What web processes serve only once it has happened."""


def logged(suite: Instance, request_id: str) -> Lines:
    """{process: its log lines of a request}."""
    found: Lines = {}
    for process in suite.plan.processes():
        for line in suite.log(process.name).read_text().splitlines():
            if f'"{request_id}"' in line and line.startswith("{"):
                found.setdefault(process.name, []).append(json.loads(line))
    assert all(line["request_id"] == request_id for lines in found.values() for line in lines)
    return found


def one(lines: Lines, process: str, event: str, **fields: Any) -> dict[str, Any]:
    (line,) = [line for line in lines.get(process, []) if line["event"] == event and fields.items() <= line.items()]
    return line


@pytest.fixture(scope="module")
def booking(suite: Instance) -> tuple[str, Person]:
    """The id of a request that booked, and the patient, when the mail of it has come."""
    gateway = Gateway(suite.gateway_url)
    admin = gateway.log_in(suite.settings["ADMIN_EMAIL"], suite.settings["ADMIN_PASSWORD"])
    doctor, patient = bookable_doctor(gateway, admin, "Nora Quill"), gateway.sign_up("Mia Sund")
    start = slots(gateway, doctor)[20]["start"]
    request_id = "follow-this.one-7"
    body = {"doctorId": doctor.id, "start": start, "reason": "canary"}
    for status in (201, 409):
        # the second is refused: there is a figure for it, too
        answer = patient.post("/appointments", body, headers={"X-Request-Id": request_id if status == 201 else "other"})
        answer.expect(status)
    eventually(
        "the mails of the booking",
        lambda: [
            mail
            for person in (patient, doctor)
            for mail in mails_to(suite, person.email)
            if mail["X-Request-Id"] == request_id
        ][1:],
        seconds=60,
    )
    return request_id, patient


def test_one_id_is_followed_from_a_request_to_the_mail(suite: Instance, booking: tuple[str, Person]) -> None:
    request_id, patient = booking
    lines = eventually(
        "all of its lines",
        lambda: lines if len((lines := logged(suite, request_id)).get("scheduler-worker", [])) >= 2 else None,
    )
    proxied = one(lines, "gateway-web", "proxied")
    assert (proxied["service"], proxied["upstream"], proxied["status"]) == ("gateway", "appointment-service", 201)
    assert one(lines, "appointment-web", "request")["user"] == patient.id
    event_id = one(lines, "appointment-relay", "published", event_type="appointment-booked")["event_id"]
    for consumer in ("appointment-consumer", "user-consumer", "scheduler-consumer"):
        assert one(lines, consumer, "handled", event_type="appointment-booked")["event_id"] == event_id

    mails = [mail for mail in mails_to(suite, patient.email) if mail["X-Request-Id"] == request_id]
    assert len(mails) == 1
    sent = one(lines, "scheduler-worker", "mail sent", message_id=mails[0]["Message-ID"])
    assert (sent["event_id"], sent["template"]) == (event_id, "appointment-booked")
    # who was asked for the address, as the mail was sent
    assert [line["method"] for line in lines["user-consumer"] if line["event"] == "rpc"] == ["contact", "contact"]
    everything = json.dumps(lines)
    assert patient.email not in everything
    assert "canary" not in everything


def test_the_id_of_who_asks_for_a_job_goes_through_the_task_to_the_service_that_does_it(
    suite: Instance, admin: Person
) -> None:
    request_id = "ask-for-a-job"
    admin.post("/admin/jobs/advance-appointments/run", headers={"X-Request-Id": request_id}).expect(202)
    lines = eventually(
        "the job's call", lambda: found if "appointment-consumer" in (found := logged(suite, request_id)) else None
    )
    assert one(lines, "appointment-consumer", "rpc")["method"] == "advance_due"


def test_one_trace_leads_from_the_gateway_to_the_consumers_and_the_mail(
    collector: Collector, booking: tuple[str, Person]
) -> None:
    request_id, patient = booking
    wanted = [
        ("gateway", "web", "POST /api/v1/appointments"),
        ("appointment-service", "web", "POST /api/v1/appointments"),
        ("appointment-service", "relay", "publish appointment-booked"),
        ("appointment-service", "consumer", "handle appointment-booked"),
        ("scheduler-service", "consumer", "handle appointment-booked"),
        ("scheduler-service", "worker", "mail appointment-booked"),
        ("scheduler-service", "worker", "call user-service.contact"),
        ("user-service", "consumer", "rpc contact"),
    ]

    def found() -> dict[tuple[str, str, str], Span] | None:
        spans = {(span.service, span.process, span.name): span for span in collector.trace_of(request_id)}
        return spans if spans.keys() >= set(wanted) else None

    spans = eventually("the whole trace", found, seconds=30)
    assert len({span.trace for span in spans.values()}) == 1
    gateway, web, relay, own, other, mail, call, answered = (spans[key] for key in wanted)
    assert gateway.parent == ""
    assert web.parent == gateway.id
    assert {relay.parent, own.parent, other.parent} == {web.id}
    assert mail.parent == other.id
    assert call.parent in {span.id for span in collector.trace_of(request_id) if span.name == mail.name}
    assert answered.parent in {span.id for span in collector.trace_of(request_id) if span.name == call.name}
    told = repr(collector.trace_of(request_id))
    assert patient.id not in told
    assert patient.email not in told


def test_every_metric_is_served_by_some_process(suite: Instance, booking: tuple[str, Person]) -> None:
    gateway = Gateway(suite.gateway_url)
    gateway.call("POST", "/auth/login", {"email": "nobody@clinic.example", "password": "x" * 12}).expect(401)

    def missing() -> set[str]:
        served = set()
        for process in (process for process in suite.plan.processes() if process.metrics_port):
            text = requests.get(f"http://127.0.0.1:{process.metrics_port}/metrics", timeout=30).text
            names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
            assert names, f"{process.name} tells nothing"
            served |= names
        return {metric.name for metric in METRICS} - served - RARE

    assert eventually("every metric", lambda: not missing(), seconds=40)


def test_what_services_count_cannot_be_reached_through_the_gateway(gateway: Gateway) -> None:
    for path in ("/metrics", "/auth-service/metrics", "/auth/metrics", "/internal/metrics"):
        gateway.call("GET", path).expect(404)
