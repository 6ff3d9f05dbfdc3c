"""What doctor-service keeps of what others announce; a command (chassis.projections) compares and mends it.

All of it is part of documents that doctors make: of who has no profile nothing is missing.
"""

import sys
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from pymongo.client_session import ClientSession

from chassis import logs
from chassis.mongo import Document
from chassis.projections import Kept, Projection, Projections, main
from chassis.rpc import RpcClient
from doctor_service import events
from doctor_service.bootstrap import Built, build
from doctor_service.config import Config
from doctor_service.store import ProjectedStore

_UNRATED = {"average": 0, "count": 0, "version": 0}


class _OfDoctor(Projection):
    key = "doctorId"
    makes = False

    def __init__(self, built: Built) -> None:
        self._doctors, self._cards = built.doctors, built.cards
        self._store = ProjectedStore(built.database)

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        return {document["_id"]: self._read(document) for document in self._store.documents(ids, session)}

    @abstractmethod
    def _read(self, doctor: Document) -> Kept: ...


class Names(_OfDoctor):
    """The doctors' names, which are their accounts'."""

    name, source, method, key = "names", "user-service", "snapshot_users", "userId"
    reads = events.UserUpdated
    removes = False

    def told(self, item: Document) -> Kept:
        return Kept(item["version"], {"name": item["name"]})

    def _read(self, doctor: Document) -> Kept:
        return Kept(doctor["nameVersion"], {"name": doctor["name"]})

    def apply(self, item: Document, session: ClientSession) -> None:
        self._doctors.user_updated(events.UserUpdated.model_validate(item), session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._store.forget(identifier, "nameVersion", 0, session)


class Standing(_OfDoctor):
    """Whether the doctors' accounts are open."""

    name, source, method, key = "standing", "user-service", "snapshot_users", "userId"
    reads = events.UserAsTold
    removes = False

    def told(self, item: Document) -> Kept:
        return Kept(item["version"], {"active": item["status"] == "ACTIVE"})

    def _read(self, doctor: Document) -> Kept:
        return Kept(doctor["statusVersion"], {"active": doctor["active"]})

    def apply(self, item: Document, session: ClientSession) -> None:
        change = self._doctors.account_opened if item["status"] == "ACTIVE" else self._doctors.account_closed
        change(events.UserStatus.model_validate(item), session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._store.forget(identifier, "statusVersion", 0, session)


class Ratings(_OfDoctor):
    """What the reviews add up to."""

    name, source, method = "ratings", "review-service", "snapshot_ratings"
    reads = events.DoctorRated
    nothing: ClassVar = {"average": 0, "count": 0}

    def told(self, item: Document) -> Kept:
        rating = item["doctorRating"]
        return Kept(rating["version"], {"average": rating["average"], "count": rating["count"]})

    def _read(self, doctor: Document) -> Kept:
        rating = doctor["rating"]
        return Kept(rating["version"], {"average": rating["average"], "count": rating["count"]})

    def held_ids(self, after: str) -> list[str]:
        return self._store.rated_ids(after)

    def apply(self, item: Document, session: ClientSession) -> None:
        self._cards.doctor_rated(events.DoctorRated.model_validate(item), session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        # by the use case too, for the search goes by the rating
        self._store.forget(identifier, "rating.version", -1, session)
        self.apply({"doctorId": identifier, "doctorRating": _UNRATED}, session)


class NextAvailable(_OfDoctor):
    """Each doctor's next free slot."""

    name, source, method = "next-available", "appointment-service", "snapshot_next_available"
    reads = events.NextAvailableChanged
    nothing: ClassVar = {"start": None}

    def told(self, item: Document) -> Kept:
        slot = events.NextAvailableChanged.model_validate(item).next_available
        return Kept(item["version"], {"start": slot.start if slot else None})

    def _read(self, doctor: Document) -> Kept:
        slot = doctor.get("nextAvailable") or {"start": None, "version": 0}
        return Kept(slot["version"], {"start": slot["start"]})

    def held_ids(self, after: str) -> list[str]:
        return self._store.open_ids(after)

    def apply(self, item: Document, session: ClientSession) -> None:
        self._cards.next_available_changed(events.NextAvailableChanged.model_validate(item), session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._store.forget(identifier, "nextAvailable", None, session)


def projections(built: Built, rpc: RpcClient) -> Projections:
    kinds = (Names, Standing, Ratings, NextAvailable)
    return Projections(built.database, rpc, [kind(built) for kind in kinds])


if __name__ == "__main__":
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "projections", config.log_level)
    raise SystemExit(main(projections(build(config), RpcClient(config.amqp_url)), sys.argv[1:]))
