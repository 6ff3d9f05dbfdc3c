"""A real gateway process in front of small services that are not the real ones: those are other teams' affair."""

from collections.abc import Iterator

import pytest
from stand_ins import Gateway, Service, serving, started

from devkit.link import Link
from devkit.ports import free_port

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
    """One worker, and no broker; user-service and doctor-service are up, review-service is away."""
    url = "http://127.0.0.1:{}".format
    with started(
        tmp_path_factory.mktemp("gateway"),
        ROUTES,
        AMQP_URL=f"amqp://127.0.0.1:{free_port()}/",
        AUTH_SERVICE_URL=url(users.port),
        USER_SERVICE_URL=url(users.port),
        DOCTOR_SERVICE_URL=url(doctors.port),
        APPOINTMENT_SERVICE_URL=url(users.port),
        REVIEW_SERVICE_URL=url(free_port()),
        SCHEDULER_SERVICE_URL="http://nowhere.invalid:8000",
        CORS_ORIGINS="https://clinic.example",
        ROUTE_TIMEOUTS="POST /open/{id}=0.2",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def link(amqp_url: str) -> Iterator[Link]:
    """A way to the broker that can be cut."""
    made = Link(amqp_url)
    yield made
    made.close()
