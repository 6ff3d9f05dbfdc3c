"""How the parts behind the services' doors are: consumers, relays, and what waits in the queues."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import structlog
from pika.adapters.blocking_connection import BlockingConnection

from chassis import amqp, broker
from chassis.dead_letters.letter import Letter
from chassis.dead_letters.queue import DeadLetterQueue
from chassis.errors import AppError, ServiceUnavailable
from chassis.mongo import Document
from chassis.rpc import Question, RpcClient
from chassis.standing import Standing

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 3.0
"""For a consumer's answer, and for the broker's to each question."""

LOOKED_AT = 100
"""Dead letters of a service: each is fetched whole, and given back."""

_LONGEST_REASON = 300


class Parts:
    """Asks everybody else's; nothing is changed, and numbers, names of queues and reasons are all that is told."""

    def __init__(self, amqp_url: str, subscriptions: amqp.Subscriptions, rpc: RpcClient) -> None:
        self._table = subscriptions
        self._rpc = rpc
        self._parameters = broker.bounded(amqp_url, PATIENCE_SECONDS)

    def health(self) -> list[Document]:
        """[{service, consumer, relay, outbox, queues}] by name. Raises ServiceUnavailable where the broker is away."""
        with ThreadPoolExecutor(len(self._table)) as pool:
            # each in a copy of this context: the request id goes along
            asked = {name: pool.submit(copy_context().run, self._standing, name) for name in sorted(self._table)}
            queues = self._looked(lambda connection: {name: self._queues(connection, name) for name in self._table})
            return [_part(name, answer.result(), queues[name]) for name, answer in asked.items()]

    def dead_letters(self) -> list[Document]:
        """[{service, count, groups: [{queue, reason, count, oldestAt}]}] of services that have any, most first.

        Groups are of the first hundred. Raises ServiceUnavailable where the broker is away.
        """
        found = self._looked(lambda connection: [_letters(connection, name) for name in sorted(self._table)])
        return [one for one in found if one["count"]]

    def _standing(self, service: str) -> Document | None:
        # no part of any contract: a service whose version does not know it is shown as one that does not answer
        try:
            answer: Document = Question(service, "standing", {}, Standing, seconds=PATIENCE_SECONDS).ask(self._rpc)
            return answer
        except AppError as error:
            log.warning("standing not told", service=service, error=error.code)
            return None

    def _looked(self, look: Any) -> Any:
        try:
            with BlockingConnection(self._parameters) as connection:
                return look(connection)
        except broker.AWAY as error:
            log.warning("broker away", error=type(error).__name__)
            raise ServiceUnavailable from None

    def _queues(self, connection: BlockingConnection, service: str) -> Document:
        return {
            "waiting": sum(_ready(connection, name) for name in amqp.queues_of(service, self._table)),
            "retrying": _ready(connection, amqp.retries(service)),
            "deadLetters": _ready(connection, amqp.dead_letters(service)),
        }


def _part(service: str, told: Document | None, queues: Document) -> Document:
    part: Document = {"service": service, "consumer": "away", "relay": None, "outbox": None, "queues": queues}
    if told:
        part["consumer"] = "ok"
        part["relay"] = "ok" if told["relay"] else "away"
        part["outbox"] = {"documents": told["documents"], "oldestAt": told["oldestAt"]}
    return part


def _ready(connection: BlockingConnection, queue: str) -> int:
    """How many messages wait in the queue; none in one that is not there."""
    state = broker.state(connection, queue)
    return state[0] if state else 0


def _letters(connection: BlockingConnection, service: str) -> Document:
    groups: defaultdict[tuple[str | None, str], list[Letter]] = defaultdict(list)
    with DeadLetterQueue(connection, service).letters(LOOKED_AT) as (count, letters, _):
        for letter in letters:
            groups[letter.queue, letter.reason[:_LONGEST_REASON]].append(letter)
    told = [
        {
            "queue": queue,
            "reason": reason,
            "count": len(same),
            "oldestAt": min((letter.died for letter in same if letter.died), default=None),
        }
        for (queue, reason), same in groups.items()
    ]
    return {"service": service, "count": count, "groups": sorted(told, key=lambda group: -group["count"])}
