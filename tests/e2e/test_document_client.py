"""The document is enough: a client generated from it, and from nothing else, books an appointment."""

import importlib
import secrets
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import requests
from jsonschema import Draft202012Validator

from devkit.suite import Instance
from tests.client import Gateway, Person, eventually
from tests.clinic import bookable_doctor

PACKAGE = "client_of_the_document"


class Answers:
    """Holds every answer that a client gets against the document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.seen: list[str] = []

    def check(self, response: httpx.Response) -> None:
        response.read()
        path = self._template(response.request.url.path)
        operation = self.document["paths"][path][response.request.method.lower()]
        content = operation["responses"][str(response.status_code)]["content"]
        schema = content[response.headers["Content-Type"]]["schema"]
        # with the whole document beside it, for that is where its references lead
        Draft202012Validator(
            {"components": self.document["components"], **schema},
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        ).validate(response.json())
        self.seen.append(operation["operationId"])

    def _template(self, path: str) -> str:
        """The path as the document has it; one of literal text goes before one with parameters."""
        asked = path.split("/")

        def fits(template: str) -> bool:
            parts = template.split("/")
            return len(parts) == len(asked) and all(
                part == given or part.startswith("{") for part, given in zip(parts, asked, strict=True)
            )

        return min(filter(fits, self.document["paths"]), key=lambda template: template.count("{"))


@pytest.fixture(scope="module")
def generated(suite: Instance, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModuleType]:
    """The modules of a client that was generated from the running gateway's /openapi.json."""
    folder: Path = tmp_path_factory.mktemp("generated")
    # formatting it takes longer than generating it, and nobody reads it
    (folder / "config.yaml").write_text("post_hooks: []\n")
    command = ["generate", "--url", f"{suite.gateway_url}/openapi.json", "--output-path", str(folder / PACKAGE)]
    options = ["--meta", "none", "--fail-on-warning", "--config", str(folder / "config.yaml")]
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *command, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    return lambda name: importlib.import_module(f"{PACKAGE}.{name}")


def test_a_client_generated_from_the_document_books_an_appointment(
    generated: Callable[[str], ModuleType], gateway: Gateway, admin: Person
) -> None:
    doctor = bookable_doctor(gateway, admin, "Generated Ito")
    answers = Answers(requests.get(f"{gateway.url}/openapi.json", timeout=10).json())
    options = {"httpx_args": {"event_hooks": {"response": [answers.check]}}, "raise_on_unexpected_status": True}
    models, clients = generated("models"), generated("client")
    anyone = clients.Client(base_url=gateway.url, **options)

    def call(operation: str, client: Any, *path: str, **arguments: Any) -> Any:
        """The data of a success, in the generated shapes."""
        answer = generated(f"api.{operation}").sync_detailed(*path, client=client, **arguments)
        assert answer.parsed.success is True, answer.content
        return answer.parsed.data

    tokens = call(
        "auth_service.post_auth_signup",
        anyone,
        body=models.AuthServiceSignupBody(
            email=f"ann.{secrets.token_hex(5)}@clinic.example", password="a long password", name="Ann Lee"
        ),
    )
    patient = clients.AuthenticatedClient(base_url=gateway.url, token=tokens.access_token, **options)

    def find() -> Any:
        found = call("doctor_service.get_doctors", anyone, q="Generated")
        return next((one for one in found.items if one.id == doctor.id), None)

    chosen = eventually("the doctor to be found", find)
    today = datetime.now(UTC).date()
    until = today + timedelta(days=3)
    slots = call("appointment_service.get_doctors_by_id_slots", anyone, chosen.id, from_=today, to=until).items
    booked = call(
        "appointment_service.post_appointments",
        patient,
        body=models.AppointmentServiceBookBody(doctor_id=chosen.id, start=slots[-1].start),
        idempotency_key="once",
    )
    read = call("appointment_service.get_appointments_by_id", patient, booked.id)
    assert (read.start, read.status, read.patient_id) == (slots[-1].start, "BOOKED", tokens.user.id)
    reason = models.AppointmentServiceReasonBody(reason="Feeling better.")
    call("appointment_service.post_appointments_by_id_cancel", patient, booked.id, body=reason)
    assert call("appointment_service.get_appointments_by_id", patient, booked.id).status == "CANCELLED"
    assert {"postAuthSignup", "getDoctors", "getDoctorsByIdSlots", "postAppointments"} <= set(answers.seen)
