"""Every service is replaced by a new image, one after the other, while clients work. Last, for nothing is as before."""

import pytest

from devkit import say
from devkit.layout import SERVICES
from tests.client import Gateway, Person
from tests.compose.stack import Stack
from tests.rolling import assert_everybody_knows, clients_at_work


def test_what_does_not_start_leaves_the_old_ones_at_work(stack: Stack, gateway: Gateway, admin: Person) -> None:
    old = stack.project.containers("appointment-service")
    stack.settings["WEB_CONCURRENCY"] = "several"
    with clients_at_work(gateway, admin, stack.gateway_urls) as record:
        record.during = "a bad appointment-service"
        with pytest.raises(say.Failure, match="several"):
            stack.project.roll("appointment-service")
    del stack.settings["WEB_CONCURRENCY"]
    assert not record.failed
    assert stack.project.containers("appointment-service") == old


def test_every_service_goes_over_to_a_new_image_and_no_request_is_lost(
    stack: Stack, gateway: Gateway, admin: Person
) -> None:
    before = {one for containers in stack.running().values() for one in containers}
    with clients_at_work(gateway, admin, stack.gateway_urls) as record:
        for service in SERVICES:
            record.during = service.folder_name
            stack.release(service.folder_name)
            stack.project.roll(service.folder_name)
    after = stack.running()
    assert {name for name, containers in after.items() if before & set(containers)} == {"mongo", "rabbitmq", "mail"}
    assert not record.failed
    assert_everybody_knows(stack, record)
    images = {stack.looked_at(one)["Config"]["Image"] for name in after for one in after[name]}
    assert {image for image in images if "appointment-suite/" in image} == {
        f"appointment-suite/{service.folder_name}:{stack.versions[-1]}" for service in SERVICES
    }
