"""What appointment-service keeps of what others announce; a command (chassis.projections) compares and mends it."""

import sys
from collections.abc import Sequence
from typing import ClassVar

from pymongo.client_session import ClientSession

from appointment_service import events
from appointment_service.bootstrap import Built, build
from appointment_service.config import Config
from appointment_service.store import ProjectedStore
from chassis import logs
from chassis.mongo import Document
from chassis.projections import Kept, Projection, Projections, main
from chassis.rpc import RpcClient

_DOCTOR = ("moderationStatus", "visible", "accepting", "active", "name", "specialty", "clinic", "calendar")


class Calendars(Projection):
    """Doctors' standing and calendars."""

    name, source, method, key = "calendars", "doctor-service", "snapshot_doctors", "doctorId"
    reads = events.DoctorUpdated

    def __init__(self, built: Built) -> None:
        self._built = built
        self._store = ProjectedStore(built.database)

    def told(self, item: Document) -> Kept:
        return Kept(item["version"], {name: item[name] for name in _DOCTOR})

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        return {
            document["_id"]: Kept(document["version"], {name: document.get(name) for name in _DOCTOR})
            for document in self._store.documents(ids, session)
            if document["version"]
        }

    def held_ids(self, after: str) -> list[str]:
        return self._store.doctor_ids(after)

    def apply(self, item: Document, session: ClientSession) -> None:
        self._built.doctor_updated(events.DoctorUpdated.model_validate(item), session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._store.forget_calendar(identifier, _DOCTOR, session)
        self._built.found_anew(identifier, session)


class Accounts(Projection):
    """Whose account is closed."""

    name, source, method, key = "accounts", "user-service", "snapshot_users", "userId"
    reads = events.UserAsTold
    nothing: ClassVar = {"active": True}

    def __init__(self, built: Built) -> None:
        self._built = built
        self._store = ProjectedStore(built.database)

    def told(self, item: Document) -> Kept:
        return Kept(item["version"], {"active": item["status"] == "ACTIVE"})

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        return {
            document["_id"]: Kept(document["accountVersion"], {"active": document["accountActive"]})
            for document in self._store.documents(ids, session)
            if document["accountVersion"]
        }

    def held_ids(self, after: str) -> list[str]:
        return self._store.account_ids(after)

    def apply(self, item: Document, session: ClientSession) -> None:
        event = events.UserStatus.model_validate(item)
        if item["status"] == "ACTIVE":
            self._built.account_opened(event, session)
        else:
            self._built.account_closed(event, suspended=item["status"] == "SUSPENDED", session=session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._store.forget_account(identifier, session)
        self._built.found_anew(identifier, session)


class Verified(Projection):
    """Whose e-mail address is verified. Once it is, it stays so: there is no version."""

    name, source, method, key = "verified", "auth-service", "snapshot_accounts", "userId"
    reads = events.AccountAsTold
    nothing: ClassVar = {"verified": False}

    def __init__(self, built: Built) -> None:
        self._people = built.people
        self._store = ProjectedStore(built.database)

    def told(self, item: Document) -> Kept:
        return Kept(0, {"verified": item["emailVerified"]})

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        documents = self._store.documents(ids, session)
        return {document["_id"]: Kept(0, {"verified": True}) for document in documents if document.get("emailVerified")}

    def held_ids(self, after: str) -> list[str]:
        return self._store.verified_ids(after)

    def apply(self, item: Document, session: ClientSession) -> None:
        if item["emailVerified"]:
            self._people.email_verified(events.EmailVerified.model_validate(item), session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._store.forget_verified(identifier, session)


def projections(built: Built, rpc: RpcClient) -> Projections:
    return Projections(built.database, rpc, [Calendars(built), Accounts(built), Verified(built)])


if __name__ == "__main__":
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "projections", config.log_level)
    raise SystemExit(main(projections(build(config), RpcClient(config.amqp_url)), sys.argv[1:]))
