"""What was measured, beside what was wanted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``goal`` in words, ``reached`` None where there is none."""

    what: str
    goal: str
    measured: str
    reached: bool | None = None


@dataclass(frozen=True)
class Curve:
    """A plot: each line's points by its name, both axes named with their units."""

    name: str
    title: str
    x: str
    y: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    logarithmic: bool = False


@dataclass
class Part:
    """What one part of the run has to say."""

    name: str
    figures: list[Figure] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
