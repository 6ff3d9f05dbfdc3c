"""One projection: what a service says of each thing that it keeps of another's, for it to be compared and mended."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from chassis.mongo import Document
from chassis.schemas import EventData
from chassis.snapshots import PAGE


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


def held_ids(collection: Collection[Document], after: str, where: Document, field: str = "_id") -> list[str]:
    """The next ids beyond ``after``, up to ``PAGE``, in ``field`` of documents that are so: for Projection.held_ids."""
    beyond = {**where, field: {"$gt": after}}
    return [document[field] for document in collection.find(beyond, {field: 1}).sort(field, ASCENDING).limit(PAGE)]
