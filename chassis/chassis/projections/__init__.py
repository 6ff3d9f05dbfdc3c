"""Projections: what a service keeps only because another announced it, compared with its source and made again.

A service lists its projections in its ``projections.py``, which calls ``main``:

    python -m <package>.projections check [NAME]      # compare, write nothing; 1 where something differs
    python -m <package>.projections rebuild [NAME]    # have what the source has, while events come in

ADR 0022 says why this is safe. It rests on one order: what is held is read *before* the source is asked. Whatever was
announced and held is committed there by then, so the answer is as new as what was read, or newer, whatever the
versions say. If that is still held as the answer is applied, the answer decides; if an event came in
between, versions do, as between any two events. A copy that was ahead of its source may have refused that event, and
nothing shows it: it is looked at once more.
"""

from chassis.projections.command import main
from chassis.projections.comparing import Projections
from chassis.projections.projection import Kept, Projection, held_ids

__all__ = ["Kept", "Projection", "Projections", "held_ids", "main"]
