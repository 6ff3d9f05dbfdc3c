"""What auth-service keeps of what user-service announces; a command (chassis.projections) compares and mends it.

All of it is part of credentials, which are made by signing up: of who has none nothing is missing.
"""

import sys
from collections.abc import Sequence

from pymongo.client_session import ClientSession

from auth_service import events
from auth_service.bootstrap import Built, build
from auth_service.config import Config
from auth_service.domain import Status
from auth_service.store.projected import Projected
from chassis import logs
from chassis.clock import instant_text
from chassis.mongo import Document
from chassis.projections import Kept, Projection, Projections, main
from chassis.rpc import RpcClient


class _OfUser(Projection):
    source, method, key = "user-service", "snapshot_users", "userId"
    makes = removes = False

    def __init__(self, built: Built) -> None:
        self._accounts = built.service.accounts
        self._store = Projected(built.database)


class Names(_OfUser):
    """The names that go into access tokens."""

    name, reads = "names", events.UserUpdated

    def told(self, item: Document) -> Kept:
        return Kept(item["version"], {"name": item["name"]})

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        found = self._store.documents(ids, session)
        return {document["_id"]: Kept(document["nameVersion"], {"name": document["name"]}) for document in found}

    def apply(self, item: Document, session: ClientSession) -> None:
        self._accounts.user_updated(events.UserUpdated.model_validate(item), session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._store.forget(identifier, "nameVersion", session)


class Standing(_OfUser):
    """Who may sign in: whether the account is open, and until when it can be recovered."""

    name, reads = "standing", events.UserAsTold

    def told(self, item: Document) -> Kept:
        until = item["scheduledDeletionAt"] if item["status"] == Status.DELETED else None
        return Kept(item["version"], {"status": item["status"], "recoverableUntil": until})

    def held(self, ids: Sequence[str], session: ClientSession | None = None) -> dict[str, Kept]:
        return {
            document["_id"]: Kept(
                document["statusVersion"],
                {
                    "status": document["status"],
                    "recoverableUntil": (until := document["recoverableUntil"]) and instant_text(until),
                },
            )
            for document in self._store.documents(ids, session)
        }

    def apply(self, item: Document, session: ClientSession) -> None:
        """Sessions end where the account is closed, or was: as with the events."""
        status = item["status"]
        if status == Status.DELETED:
            self._accounts.user_deactivated(events.UserDeactivated.model_validate(item), session)
        elif status == Status.SUSPENDED:
            self._accounts.user_suspended(events.UserSuspended.model_validate(item), session)
        else:
            self._accounts.user_recovered(events.UserRecovered.model_validate(item), session)

    def forget(self, identifier: str, session: ClientSession) -> None:
        self._store.forget(identifier, "statusVersion", session)


def projections(built: Built, rpc: RpcClient) -> Projections:
    return Projections(built.database, rpc, [Names(built), Standing(built)])


if __name__ == "__main__":
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "projections", config.log_level)
    raise SystemExit(main(projections(build(config), RpcClient(config.amqp_url)), sys.argv[1:]))
