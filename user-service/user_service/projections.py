"""What user-service keeps of what others announce; a command (chassis.projections) compares and mends it."""

import sys
from collections.abc import Sequence
from typing import ClassVar

from pymongo.client_session import ClientSession

from chassis import logs
from chassis.mongo import Document
from chassis.projections import Kept, Projection, Projections, main
from chassis.rpc import RpcClient
from user_service import events
from user_service.bootstrap import Built, build
from user_service.config import Config
from user_service.store.projected import Projected


class Registrations(Projection):
    """That there is a user for everybody who signed up; what the user is from then on is its own."""

    name, source, method, key = "registrations", "auth-service", "snapshot_accounts", "userId"
    reads = events.UserRegistered
    removes = False

    def __init__(self, built: Built) -> None:
        self._profiles = built.service.profiles
        self._store = Projected(built.database)

    def told(self, item: Document) -> Kept:
        return Kept(0, {})

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        return {one: Kept(0, {}) for one in self._store.known(ids, session)}

    def apply(self, item: Document, session: ClientSession) -> None:
        self._profiles.registered(events.UserRegistered.model_validate(item), session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        """A user who is here never differs."""


class Verified(Projection):
    """Whose e-mail address is verified. Once it is, it stays so: there is no version."""

    name, source, method, key = "verified", "auth-service", "snapshot_accounts", "userId"
    reads = events.AccountAsTold
    nothing: ClassVar = {"verified": False}

    def __init__(self, built: Built) -> None:
        self._profiles = built.service.profiles
        self._store = Projected(built.database)

    def told(self, item: Document) -> Kept:
        return Kept(0, {"verified": item["emailVerified"]})

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        return {one: Kept(0, {"verified": True}) for one in self._store.verified(ids, session)}

    def held_ids(self, after: str) -> list[str]:
        return self._store.verified_ids(after)

    def apply(self, item: Document, session: ClientSession) -> None:
        if item["emailVerified"]:
            self._profiles.email_verified(events.EmailVerified.model_validate(item), session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._profiles.email_not_verified(identifier, session)


class Relations(Projection):
    """Who has or had an appointment with whom: which doctors may see which patients."""

    name, source, method, key = "relations", "appointment-service", "snapshot_appointments", "appointmentId"
    reads = events.AppointmentAsTold

    def __init__(self, built: Built) -> None:
        self._relations = built.service.relations
        self._store = Projected(built.database)

    def told(self, item: Document) -> Kept:
        people = {name: item[name] for name in ("doctorId", "patientId")}
        return Kept(item["version"], {**people, "cancelled": _is_cancelled(item)})

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        return {
            relation["_id"]: Kept(
                relation["version"], {name: relation[name] for name in ("doctorId", "patientId", "cancelled")}
            )
            for relation in self._store.relations(ids, session)
        }

    def held_ids(self, after: str) -> list[str]:
        return self._store.relation_ids(after)

    def apply(self, item: Document, session: ClientSession) -> None:
        event = events.AppointmentChanged.model_validate(item)
        self._relations.relate(event, cancelled=_is_cancelled(item), session=session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._store.forget_relation(identifier, session)

    def people(self, item: Document) -> list[str]:
        return [item["doctorId"], item["patientId"]]


def _is_cancelled(appointment: Document) -> bool:
    return bool(appointment["status"] == "CANCELLED")


def projections(built: Built, rpc: RpcClient) -> Projections:
    return Projections(built.database, rpc, [Registrations(built), Verified(built), Relations(built)])


if __name__ == "__main__":
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "projections", config.log_level)
    raise SystemExit(main(projections(build(config), RpcClient(config.amqp_url)), sys.argv[1:]))
