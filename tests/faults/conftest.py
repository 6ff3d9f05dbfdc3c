from collections.abc import Iterator

import pytest

from devkit import trial
from tests.chaos.instance import SETTINGS, ChaosInstance


@pytest.fixture(scope="session")
def suite(request: pytest.FixtureRequest) -> Iterator[ChaosInstance]:
    """With three MongoDB members and a witness (``tests/chaos``), for all faults one after the other."""
    with trial.running({**SETTINGS, "WEB_CONCURRENCY": "1"}, ChaosInstance) as instance:
        assert isinstance(instance, ChaosInstance)
        yield instance
        instance.keep = request.session.testsfailed > 0
