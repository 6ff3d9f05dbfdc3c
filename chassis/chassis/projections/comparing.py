"""Projections compared with their sources, and mended: in the order that the package tells, page by page."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from time import sleep
from typing import Any, NamedTuple

import structlog
from pydantic import ValidationError
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from chassis.errors import ServiceUnavailable
from chassis.mongo import Database, Document
from chassis.projections.projection import Kept, Projection
from chassis.rpc import RpcClient
from chassis.schemas import as_read
from chassis.snapshots import PAGE
from chassis.tombstones import Tombstones

log = structlog.get_logger(__name__)

BATCH = 1000
"""The most ids, but for a page, that wait together for another look, or are found to differ before it is enough."""

_ASKING_SECONDS = 10.0
_TRIES = 3


class _Look(NamedTuple):
    """What differed as it was looked at by id."""

    identifier: str
    held: Kept | None
    item: Document | None
    ahead: bool
    """Whether it was held at a version that the source has not come to."""


class _Mended(NamedTuple):
    """How many of some ids were mended; which of those were ahead; and which the use case could not take over."""

    done: int
    ahead: list[str]
    not_usable: list[str]


class Projections:
    """Those of one service."""

    def __init__(self, database: Database, rpc: RpcClient, projections: Sequence[Projection]) -> None:
        self._database = database
        self._rpc = rpc
        self._tombstones = Tombstones(database)
        self.all = {projection.name: projection for projection in projections}

    def check(self, names: Sequence[str], pauses: Sequence[float]) -> dict[str, list[str]]:
        """{name: ids, sorted} of what differs from its source, and did after each of the ``pauses``. Writes nothing.

        Of a projection of which ``BATCH`` differ no more is looked at.
        Raises ServiceUnavailable where a source does not answer.
        """
        differing: dict[str, list[str]] = {name: [] for name in names}
        waiting: dict[str, list[str]] = {}

        def look_again() -> None:
            left = dict(waiting)
            waiting.clear()
            for pause in pauses:
                if not any(left.values()):
                    return
                sleep(pause)
                left = {
                    name: [look.identifier for look in self._look(self.all[name], ids)] for name, ids in left.items()
                }
            for name, ids in left.items():
                differing[name] += ids

        for name in names:
            for ids in self._walk(self.all[name]):
                waiting.setdefault(name, []).extend(ids)
                if sum(map(len, waiting.values())) >= BATCH:
                    look_again()
                    if len(differing[name]) >= BATCH:
                        break
        look_again()
        # an id is walked past twice where its source made it meanwhile
        return {name: sorted(set(ids)) for name, ids in differing.items()}

    def rebuild(self, name: str) -> tuple[int, list[str]]:
        """Have what the source has: how much was mended, and the ids that the use case could not take over.

        Safe to repeat, to end at any moment and to run twice at once: each id is one transaction. Raises
        ServiceUnavailable where the source does not answer.
        """
        projection = self.all[name]
        mended, refused = 0, []
        for ids in self._walk(projection):
            done, ahead, not_usable = self._mend_some(projection, ids)
            mended += done
            # A copy that was ahead of its source refused what was announced since the source was asked, and was as it
            # was. It refuses nothing any more, and the source, asked again, tells what was refused.
            refused += not_usable + self._mend_some(projection, ahead).not_usable
        return mended, refused

    def _mend_some(self, projection: Projection, ids: Sequence[str]) -> _Mended:
        done, ahead, not_usable = 0, [], []
        for look in self._look(projection, ids):
            try:
                self._database.transact(partial(self._mend, projection, look))
                done += 1
                if look.ahead:
                    ahead.append(look.identifier)
            except (ValidationError, DuplicateKeyError) as error:
                # the values stay out of the log: they may be personal
                reason = type(error).__name__
                log.error("snapshot not usable", projection=projection.name, id=look.identifier, reason=reason)
                not_usable.append(look.identifier)
        return _Mended(done, ahead, not_usable)

    def _mend(self, projection: Projection, look: _Look, session: ClientSession) -> None:
        held = projection.held([look.identifier], session).get(look.identifier)
        as_it_was = held is not None and held == look.held
        if look.item is not None:
            mend = projection.force if as_it_was else projection.apply
            mend(look.item, session)
        elif as_it_was:
            projection.forget(look.identifier, session)

    def _walk(self, projection: Projection) -> Iterator[list[str]]:
        """Ids that differ at first sight, page by page: the source's, and between them those held that it lacks."""
        after = ""
        while True:
            answer = self._ask(projection, after=after)
            told = {item[projection.key]: projection.told(item) for item in answer["items"]}
            held = projection.held(list(told))
            yield [one for one, kept in told.items() if projection.differs(held.get(one), kept)]
            if projection.removes:
                yield from self._not_told(projection, told, after, answer["next"])
            if answer["next"] is None:
                return
            after = answer["next"]

    def _not_told(
        self, projection: Projection, told: Mapping[str, Kept | None], after: str, until: str | None
    ) -> Iterator[list[str]]:
        while ids := projection.held_ids(after):
            within = [one for one in ids if until is None or one <= until]
            yield [one for one in within if one not in told]
            if len(within) < len(ids):
                return
            after = ids[-1]

    def _look(self, projection: Projection, ids: Sequence[str]) -> Iterator[_Look]:
        """Those of the ids that differ, what is held read before the source is asked; not who was erased anywhere."""
        for first in range(0, len(ids), PAGE):
            some = ids[first : first + PAGE]
            held = projection.held(some)
            answer = self._ask(projection, ids=some)
            items = {item[projection.key]: item for item in answer["items"]}
            for one in sorted(set(some) - set(answer["erased"])):
                item = items.get(one)
                told = projection.told(item) if item else None
                copy = held.get(one)
                if not projection.differs(copy, told):
                    continue
                if item and told and any(self._tombstones.holds(person) for person in projection.people(item)):
                    continue
                ahead = copy is not None and (told is None or copy.version > told.version)
                yield _Look(one, copy, item if told else None, ahead)

    def _ask(self, projection: Projection, **asked: Any) -> dict[str, Any]:
        for attempt in range(1, _TRIES + 1):
            try:
                answer: dict[str, Any] = self._rpc.call(
                    projection.source, projection.method, timeout=_ASKING_SECONDS, **asked
                )
                return {**answer, "items": [as_read(item, projection.reads) for item in answer["items"]]}
            except ServiceUnavailable:
                if attempt == _TRIES:
                    raise
                sleep(attempt)
        raise AssertionError("unreachable")
