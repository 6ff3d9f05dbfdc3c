"""More containers of a service, fewer, and killed ones, while clients work."""

import pytest

from devkit.compose import docker
from devkit.waiting import eventually
from tests.client import Gateway, Person
from tests.compose.stack import Stack
from tests.rolling import assert_everybody_knows, clients_at_work

SERVICE = "appointment-service"
KILLED = (
    *("appointment-service", "auth-service", "gateway"),
    *("user-consumer", "appointment-relay", "scheduler-worker"),
    *("rabbitmq", "mongo"),
)
PATIENCE = 180.0
ENOUGH = 100
"""Requests to each, by which an uneven share shows."""


def test_load_is_spread_evenly_over_new_instances_and_drawn_off_dead_ones(
    stack: Stack, gateway: Gateway, admin: Person
) -> None:
    with clients_at_work(gateway, admin, stack.gateway_urls, pause=0.02) as record:
        record.during = "more gateways"
        stack.project.scale("gateway", 2)
        stack.project.wait_until_healthy(stack.project.containers("gateway"))
        record.during = "more appointment-services"
        stack.project.scale(SERVICE, 3)
        three = stack.project.containers(SERVICE)
        assert len(three) == 3
        stack.project.wait_until_healthy(three)
        assert even(shares(stack, three))

        record.during = "fewer appointment-services"
        docker("stop", "-t", "40", three[0])
        assert even(shares(stack, three[1:]))
        stack.project.scale(SERVICE, 2)
    assert not record.failed
    assert_everybody_knows(stack, record)


def shares(stack: Stack, containers: list[str]) -> list[int]:
    """How many requests each answers from now on, until there are enough to tell."""
    before = {one: stack.served(one) for one in containers}

    def since() -> list[int] | None:
        counts = [stack.served(one) - before[one] for one in containers]
        return counts if sum(counts) >= ENOUGH * len(counts) else None

    counts = eventually(since, timeout=300, every=1)
    print("answered by each:", counts)
    return counts


def even(counts: list[int]) -> bool:
    """Whether each has its share, but for a fifth."""
    return min(counts) >= 0.8 * sum(counts) / len(counts)


@pytest.mark.parametrize("service", KILLED)
def test_a_killed_container_costs_nobody_what_was_acknowledged(
    stack: Stack, gateway: Gateway, admin: Person, service: str
) -> None:
    with clients_at_work(gateway, admin, stack.gateway_urls, persistent=True) as record:
        eventually(lambda: record.booked and record.emails, timeout=PATIENCE)
        victim, *others = stack.project.containers(service)
        starts = stack.looked_at(victim)["RestartCount"]
        record.during = f"{service} was killed"
        stack.kill(victim)
        eventually(lambda: stack.looked_at(victim)["RestartCount"] == starts + 1, timeout=PATIENCE)
        stack.project.wait_until_healthy([victim, *others])
        before = sum(record.answered.values())
        eventually(lambda: sum(record.answered.values()) > before + 50, timeout=PATIENCE)
    assert not record.failed
    assert_everybody_knows(stack, record, seconds=PATIENCE)
