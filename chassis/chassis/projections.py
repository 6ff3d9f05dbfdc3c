"""Projections: what a service keeps only because another announced it, compared with its source and made again.

A service lists its projections in its ``projections.py``, which calls ``main``:

    python -m <package>.projections check [NAME]      # compare, write nothing; 1 where something differs
    python -m <package>.projections rebuild [NAME]    # have what the source has, while events come in

ADR 0022 says why this is safe. It rests on one order: what is held is read *before* the source is asked. Whatever was
announced and held is committed there by then, so the answer is as new as what was read, or newer, whatever the
versions say. If that is still held as the answer is applied, the answer decides; if an event came in
between, versions do, as between any two events.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from time import sleep
from typing import Any, ClassVar, NamedTuple

import structlog
from pydantic import ValidationError
from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from chassis.errors import ServiceUnavailable
from chassis.mongo import Database, Document, is_away
from chassis.rpc import RpcClient
from chassis.schemas import EventData, as_read
from chassis.snapshots import PAGE
from chassis.tombstones import Tombstones

log = structlog.get_logger(__name__)

PAUSES = (0.5, 1.0, 2.0)
"""Seconds before each further look at what differs: an event may be on its way."""

BATCH = 1000
"""The most ids, but for a page, that wait together for another look, or are found to differ before it is enough."""

NAMED = 20
"""The most ids that are named of what differs."""

_ASKING_SECONDS = 10.0
_TRIES = 3
DIFFERS, NOT_COMPARED = 1, 2
"""Exit statuses."""


class Kept(NamedTuple):
    """What is told or held under one id: the facts, and the version of the source's document that they are of."""

    version: int
    facts: Mapping[str, Any]


class Projection(ABC):
    """One thing that a service keeps of another's. ``id`` is the source's, by which its answers are in order."""

    name: str
    source: str
    """The service that announces it, and has ``method`` to tell it (``chassis.snapshots.Snapshot.page``)."""
    method: str
    reads: type[EventData]
    """What is read of each item that is told; the rest of it does not come to the methods below."""
    key: str
    """The field of what is told that has the id."""
    nothing: ClassVar[Mapping[str, Any] | None] = None
    """The facts that mean the same as to hold none."""
    makes = True
    """Whether ids of which nothing is held are missing; not so where it is part of documents that others make."""
    removes = True
    """Whether what the source does not have has to go."""

    @abstractmethod
    def told(self, item: Document) -> Kept | None:
        """What is to be held of this; None: nothing."""

    @abstractmethod
    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        """What is held of these."""

    def held_ids(self, after: str) -> list[str]:
        """The next ids, up to ``PAGE``, of which anything is held, in their order; not asked if nothing ``removes``."""
        raise NotImplementedError

    @abstractmethod
    def apply(self, item: Document, session: ClientSession) -> None:
        """Take it over by the use case of the events, which refuses what is older than what is held."""

    @abstractmethod
    def forget(self, identifier: str, session: ClientSession) -> None:
        """Hold it as if nothing had been announced, so that no version is refused."""

    def force(self, item: Document, session: ClientSession) -> None:
        """Take it over whatever version is held."""
        self.forget(item[self.key], session)
        self.apply(item, session)

    def people(self, item: Document) -> list[str]:
        """Whom it is about: of who was erased here nothing is to be held."""
        return [item[self.key]]

    def differs(self, held: Kept | None, told: Kept | None) -> bool:
        """Whether what is held is not what the source tells; a version may be behind where the facts are the same, for
        not every version is announced.
        """
        if (held is None and not self.makes) or (told is None and not self.removes):
            return False
        if (held.facts if held else self.nothing) != (told.facts if told else self.nothing):
            return True
        return held is not None and told is not None and held.version > told.version


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


def held_ids(collection: Collection[Document], after: str, where: Document, field: str = "_id") -> list[str]:
    """The next ids beyond ``after``, up to ``PAGE``, in ``field`` of documents that are so: for Projection.held_ids."""
    beyond = {**where, field: {"$gt": after}}
    return [document[field] for document in collection.find(beyond, {field: 1}).sort(field, ASCENDING).limit(PAGE)]


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
