"""``check`` and ``rebuild``, as a service's ``projections.py`` has them for operators."""

import sys
from collections.abc import Sequence

import structlog

from chassis.errors import ServiceUnavailable
from chassis.mongo import is_away
from chassis.projections.comparing import BATCH, Projections

log = structlog.get_logger(__name__)

PAUSES = (0.5, 1.0, 2.0)
"""Seconds before each further look at what differs: an event may be on its way."""

NAMED = 20
"""The most ids that are named of what differs."""

DIFFERS, NOT_COMPARED = 1, 2
"""Exit statuses."""


def main(projections: Projections, arguments: Sequence[str]) -> int:
    """``check`` or ``rebuild``, of one projection or of all, a line for each: 0, or an exit status of those above."""
    action, *names = arguments or [""]
    known = ", ".join(projections.all)
    if action not in ("check", "rebuild") or not set(names) <= projections.all.keys():
        print(f"use: check|rebuild [NAME]; there are: {known}", file=sys.stderr)
        return NOT_COMPARED
    names = names or list(projections.all)
    try:
        return _check(projections, names) if action == "check" else _rebuild(projections, names)
    except Exception as error:
        if not (isinstance(error, ServiceUnavailable) or is_away(error)):
            raise
        print(f"not finished, a source or the database is away: {error!r}", file=sys.stderr)
        return NOT_COMPARED


def _check(projections: Projections, names: Sequence[str]) -> int:
    found = projections.check(names, PAUSES)
    for name, ids in found.items():
        least = "at least " if len(ids) >= BATCH else ""
        finding = f"{least}{len(ids)} differ" if ids else "as its source"
        print(f"{name} ({projections.all[name].source}): {finding}", flush=True)
        if ids:
            log.error("projection drift", alarm="ProjectionDrift", projection=name, count=len(ids), ids=ids[:NAMED])
    return DIFFERS if any(found.values()) else 0


def _rebuild(projections: Projections, names: Sequence[str]) -> int:
    status = 0
    for name in names:
        mended, refused = projections.rebuild(name)
        more = f", {len(refused)} not usable" if refused else ""
        print(f"{name} ({projections.all[name].source}): {mended} mended{more}", flush=True)
        status = DIFFERS if refused else status
    return status
