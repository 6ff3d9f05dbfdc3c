"""Guards that can be taken away, one at a time, so that it is seen whether the checker finds what comes of it.

The product has no switch for any of them: a process of a sabotaged suite imports ``sitecustomize`` from the folder
``saboteur``, which changes a module of the suite as it is loaded.
"""

from dataclasses import dataclass
from pathlib import Path

SABOTEUR = Path(__file__).parent / "saboteur"


@dataclass(frozen=True)
class Guard:
    """What is taken away, and the faults under which that shows."""

    name: str
    what: str
    faults: tuple[str, ...]
    victims: tuple[str, ...] = ()
    """Ends of the names of those who are killed; anybody where there are none."""


GUARDS = {
    guard.name: guard
    for guard in (
        Guard("index", "the unique index over the claims", ("kill", "restart")),
        # a broker that dies gives every message again that was handled and not acknowledged
        Guard("inbox", "the inbox: an event that comes again takes effect again", ("kill",), ("rabbitmq",)),
        Guard("mandatory", "the mandatory flag: what no queue takes is confirmed and gone", ("unbind",)),
        Guard("majority", "the majority: a write is acknowledged by the primary alone", ("isolate",)),
        Guard(
            "ack", "the acknowledgement after the commit: it is given before the work begins", ("kill",), ("-consumer",)
        ),
    )
}
