"""What a web process writes into its log, and into the audit, about those whom it serves: never what they wrote."""

import json
import subprocess
import sys
from typing import Any
from urllib.parse import quote

from chassis.clock import new_id
from devkit.testing import bearer
from user_service.bootstrap import Built

CANARY = "Zq7canary"
SERVE = """
import json, sys
from user_service.wsgi import app

client = app.test_client()
for method, path, headers, body in json.load(sys.stdin):
    answer = client.open("/api/v1" + path, method=method, headers=headers, json=body)
    print(answer.status_code, file=sys.stderr)
"""


def served(env: dict[str, str], requests: list[tuple[str, str, dict[str, str], Any]]) -> tuple[list[int], str]:
    """The status of each request's answer, and all that the process printed meanwhile."""
    command = [sys.executable, "-c", SERVE]
    done = subprocess.run(command, input=json.dumps(requests), env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stderr.split()], done.stdout


def test_no_log_line_and_no_entry_of_the_audit_holds_what_somebody_wrote(env: dict[str, str], built: Built) -> None:
    patient, doctor, taken = (new_id() for _ in range(3))
    address = f"{CANARY}@clinic.example"
    own = bearer(patient, "patient", f"Ann {CANARY}", address)
    others = bearer(doctor, "doctor", f"Bea {CANARY}", f"doctor.{address}")
    admin = bearer("boss", "admin", "Bo Oss", "boss@clinic.example")
    record = {
        **{field: [CANARY] for field in ("allergies", "conditions", "medications")},
        "emergencyContact": {"name": CANARY, "phone": "+41445550199", "relation": CANARY},
        "insurance": {"provider": CANARY, "policyNumber": CANARY},
    }
    wrong = {"sex": CANARY, "allergies": CANARY, CANARY: 1, "insurance": {CANARY: CANARY}}
    statuses, log = served(
        # the most that anyone can make it say: the drivers would tell every document
        {**env, "LOG_LEVEL": "DEBUG"},
        [
            ("PUT", "/patients/me", own, record),
            ("PUT", "/patients/me", own, wrong),
            ("PUT", "/patients/me", own | {"If-Match": f'"{CANARY}"'}, record),
            ("GET", "/patients/me", own, None),
            ("GET", f"/patients/{patient}", others, None),
            ("GET", f"/patients/{patient}", admin, None),
            ("GET", f"/patients/{quote(address)}", admin, None),
            ("GET", f"/admin/audit?actorId={CANARY}", admin, None),
            ("GET", f"/admin/audit?subjectId={quote(address)}", admin, None),
            ("GET", "/users/me/access-log", own, None),
            # a defect made on purpose, an address that somebody else has: the database's refusal repeats it
            ("GET", "/patients/me", bearer(taken, "patient", CANARY, address), None),
        ],
    )
    assert statuses == [200, 422, 412, 200, 404, 200, 404, 200, 422, 200, 500]
    lines = [json.loads(line) for line in log.splitlines()]
    assert len([line for line in lines if line["event"] == "request"]) == len(statuses)
    kept = repr(list(built.database["audit"].find({"actorId": {"$in": [patient, doctor, "boss"]}})))
    tokens = [headers["Authorization"].removeprefix("Bearer ") for headers in (own, others, admin)]
    for private in (CANARY, "+41445550199", *tokens):
        assert private not in log
        assert private not in kept
    assert patient in log
    assert patient in kept
