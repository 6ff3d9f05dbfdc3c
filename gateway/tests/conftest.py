"""A real gateway process in front of small services that are not the real ones: those are other teams' affair."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from stand_ins import JWT_SECRET, Gateway, Service, free_port, serving

from devkit.waiting import eventually

FOLDER = Path(__file__).resolve().parents[1]
ROUTES = {
    "doctor-service": [("GET", "/doctors/me", "doctor"), ("GET", "/doctors/{id}", "public")],
    "user-service": [
        *((method, "/things/{id}", "self") for method in ("GET", "POST", "PUT", "PATCH", "DELETE")),
        ("GET", "/open/{id}", "public"),
        ("POST", "/open/{id}", "public"),
    ],
    "review-service": [("GET", "/away/{id}", "public"), ("POST", "/away/{id}", "public")],
}


@pytest.fixture(scope="session")
def users() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture(scope="session")
def doctors() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture(scope="session")
def gateway(users: Service, doctors: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """gunicorn with one worker; user-service and doctor-service are up, review-service is away."""
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "routes").mkdir()
    for service, routes in ROUTES.items():
        entries = [{"method": method, "path": path, "access": access} for method, path, access in routes]
        (folder / "routes" / f"{service}.json").write_text(json.dumps(entries))
    port, log = free_port(), folder / "log"
    url = "http://127.0.0.1:{}".format
    env = {
        **os.environ,
        "PORT": str(port),
        "JWT_SECRET": JWT_SECRET,
        "CONTRACTS_DIR": str(folder),
        "UPSTREAM_TIMEOUT_SECONDS": "1",
        "AUTH_SERVICE_URL": url(users.port),
        "USER_SERVICE_URL": url(users.port),
        "DOCTOR_SERVICE_URL": url(doctors.port),
        "APPOINTMENT_SERVICE_URL": url(users.port),
        "REVIEW_SERVICE_URL": url(free_port()),
        "SCHEDULER_SERVICE_URL": "http://nowhere.invalid:8000",
    }
    with log.open("wb") as out:
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "gateway.wsgi:app"]
        process = subprocess.Popen(command, cwd=FOLDER, env=env, stdout=out, stderr=subprocess.STDOUT)
    running = Gateway(port, log)

    def alive() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return running.ask("GET", "/health/live").status == 200
        except OSError:
            return False

    try:
        eventually(alive, timeout=30)
        yield running
    finally:
        process.terminate()
        process.wait(40)
        print(log.read_text())
