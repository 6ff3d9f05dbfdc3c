"""The suite under torment: three MongoDB members, the witness among its processes, and a guard taken away if asked."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pika

from chassis import amqp
from devkit.health import Check
from devkit.layout import ROOT
from devkit.processes import Plan, Process
from devkit.recipes import Recipe
from devkit.trial import TrialInstance
from tests.chaos.sabotage import SABOTEUR

WITNESS = "witness-service"
WITNESS_PROCESS = "witness-consumer"
#: The runtime that the witness borrows: it needs the chassis and nameko.
_LENDER = "review-consumer"

SETTINGS = {
    "MONGODB_MEMBERS": "3",
    "ACCESS_TOKEN_MINUTES": "60",
    "RATE_LIMITS": "off",
    # hashing is not what is tried here
    "ARGON2_TIME_COST": "2",
    "OFFER_SECONDS": "5",
    "EXPIRE_OFFERS_EVERY_SECONDS": "2",
    # a mail asks three services before it is sent
    "DELIVER_MAIL_EVERY_SECONDS": "86400",
}


@dataclass(frozen=True)
class ChaosPlan(Plan):
    @property
    def contracts(self) -> Path:
        return self.folder / "contracts"

    def processes(self) -> list[Process]:
        usual = super().processes()
        lender = next(process.recipe for process in usual if process.name == _LENDER)
        beat = self.folder / "heartbeat" / WITNESS_PROCESS
        witness = Process(
            WITNESS_PROCESS,
            replace(
                lender,
                argv=[lender.argv[0], "-m", "tests.chaos.witness"],
                cwd=str(ROOT),
                env={**lender.env, "HEARTBEAT_FILE": str(beat)},
                remove=[str(beat)],
            ),
            Check("heartbeat", file=str(beat)),
        )
        return [replace(process, recipe=self._tormented(process.recipe)) for process in [*usual, witness]]

    def _tormented(self, recipe: Recipe) -> Recipe:
        # a server has no contracts; an older version of a service (`instead`) has those of its own time
        if recipe.env.get("CONTRACTS_DIR") != str(ROOT / "contracts"):
            return recipe
        env = {**recipe.env, "CONTRACTS_DIR": str(self.contracts)}
        if guard := self.settings.get("CHAOS_SABOTAGE"):
            env |= {"PYTHONPATH": str(SABOTEUR), "CHAOS_SABOTAGE": guard}
        return replace(recipe, env=env)


class ChaosInstance(TrialInstance):
    """A suite whose contracts have one more consumer of everything."""

    @property
    def plan(self) -> ChaosPlan:
        plan = ChaosPlan(self.folder, self.ports, self.settings, self.mail_folder, self.instead)
        if not plan.contracts.exists():
            shutil.copytree(ROOT / "contracts", plan.contracts)
            table = json.loads((plan.contracts / "subscriptions.json").read_text())
            table[WITNESS] = _everything(table)
            (plan.contracts / "subscriptions.json").write_text(json.dumps(table))
        return plan

    @property
    def subscriptions(self) -> amqp.Subscriptions:
        table: amqp.Subscriptions = json.loads((self.plan.contracts / "subscriptions.json").read_text())
        return table

    def waiting(self) -> dict[str, int]:
        """How many messages wait in each queue, of events, to be tried again or dead letters, where there are any."""
        table = self.subscriptions
        names = [*self._event_queues(), *map(amqp.retries, table), *map(amqp.dead_letters, table)]
        counts = {name: state.message_count for name, state in self._states(names).items()}
        return {name: count for name, count in counts.items() if count}

    def unconsumed(self) -> list[str]:
        """The queues of events that nobody listens to."""
        return [name for name, state in self._states(self._event_queues()).items() if not state.consumer_count]

    def _event_queues(self) -> list[str]:
        table = self.subscriptions
        return [queue for consumer in table for queue in amqp.queues_of(consumer, table)]

    def _states(self, names: Iterable[str]) -> dict[str, Any]:
        with pika.BlockingConnection(pika.URLParameters(self.amqp_url)) as connection:
            channel = connection.channel()
            return {name: channel.queue_declare(name, passive=True).method for name in names}


def _everything(table: amqp.Subscriptions) -> dict[str, list[str]]:
    kinds: dict[str, set[str]] = {}
    for row in table.values():
        for source, told in row.items():
            kinds.setdefault(source, set()).update(told)
    return {source: sorted(told) for source, told in kinds.items()}
