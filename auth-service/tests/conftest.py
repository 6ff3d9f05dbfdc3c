from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from people import People

from auth_service.app import create_app
from auth_service.bootstrap import Built, build
from auth_service.config import Config
from devkit.testing import environment

ADMIN_EMAIL = "boss@clinic.example"
ADMIN_PASSWORD = "plum-orchard-kettle-1"


@pytest.fixture(scope="session")
def env(mongodb_uri: str, amqp_url: str) -> dict[str, str]:
    return environment(mongodb_uri, amqp_url, ADMIN_EMAIL=ADMIN_EMAIL, ADMIN_PASSWORD=ADMIN_PASSWORD)


@pytest.fixture(scope="session")
def built(env: dict[str, str]) -> Iterator[Built]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        made = build(Config.read())
    yield made
    made.database.close()


@pytest.fixture
def admin(env: dict[str, str]) -> dict[str, str]:
    return {"email": env["ADMIN_EMAIL"], "password": env["ADMIN_PASSWORD"]}


@pytest.fixture
def client(built: Built) -> FlaskClient:
    # all tests come from one address, which must not have tried too much in the tests before
    built.database["attempts"].delete_many({})
    app = create_app(built)
    app.testing = True
    return app.test_client()


@pytest.fixture
def people(client: FlaskClient, built: Built) -> People:
    return People(client, built)
