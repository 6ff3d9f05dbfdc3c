"""What each process holds in memory, and how long a start takes."""

import time
from pathlib import Path

from benchmarks.results import Figure, Part
from benchmarks.world import World

RESIDENT_MB, START_SECONDS = 90, 25
_SERVERS = ("mongod", "rabbitmq", "epmd", "mail")


def resident_mb(pid: int) -> float:
    """A process's resident memory, its children's not counted."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def processes(world: World) -> dict[str, int]:
    """{name: pid} of every process of the services, a server's workers among them."""
    found = {}
    for row in world.suite.status():
        if row.pid and not row.name.startswith(_SERVERS):
            found[row.name] = row.pid
            children = Path(f"/proc/{row.pid}/task/{row.pid}/children").read_text().split()
            found |= {f"{row.name} {number}": int(child) for number, child in enumerate(children, 1)}
    return found


def measure(world: World, seconds: float, rounds: int) -> Part:
    """After whatever load there was, and anew; the suite is stopped and started again, so this comes last."""
    del seconds, rounds
    part = Part("footprint")
    loaded = _sizes(world)
    part.figures.append(_told("after the load of the parts before", loaded))
    if over := {name: size for name, size in loaded.items() if size > RESIDENT_MB}:
        part.notes.append("Over 90 MB: " + ", ".join(f"{name} {size:.0f} MB" for name, size in sorted(over.items())))
    world.suite.down(lambda _: None)
    began = time.monotonic()
    world.suite.up(lambda _: None)
    took = time.monotonic() - began
    part.figures.append(_told("as started", _sizes(world)))
    part.figures.append(Figure("warm `make up`", f"≤ {START_SECONDS} s", f"{took:.1f} s", took <= START_SECONDS))
    return part


def _sizes(world: World) -> dict[str, float]:
    return {name: resident_mb(pid) for name, pid in processes(world).items()}


def _told(when: str, sizes: dict[str, float]) -> Figure:
    largest = max(sizes, key=sizes.__getitem__)
    told = f"largest {sizes[largest]:.0f} MB ({largest}); all {len(sizes)} together {sum(sizes.values()):.0f} MB"
    return Figure(
        f"resident memory of each process, {when}", f"≤ {RESIDENT_MB} MB", told, sizes[largest] <= RESIDENT_MB
    )
