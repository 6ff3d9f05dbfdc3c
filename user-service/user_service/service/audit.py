"""The audit: who did what to whom, in every service."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pymongo.client_session import ClientSession

from chassis.clock import new_id
from chassis.context import request_id
from chassis.identity import Identity
from chassis.mongo import Document
from chassis.tombstones import Tombstones
from user_service import events
from user_service.store.audit import Entries, Filters
from user_service.store.paging import Key
from user_service.store.users import Users


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something without a token of their own, such as recovering an account with its password."""

    user_id: str
    role: str


class Audit:
    """Keeps this service's own entries and those that the others announce; none is ever changed."""

    def __init__(
        self, *, entries: Entries, users: Users, tombstones: Tombstones, clock: Callable[[], datetime]
    ) -> None:
        self._entries = entries
        self._users = users
        self._tombstones = tombstones
        self._now = clock

    def record(
        self,
        action: str,
        *,
        actor: Identity | Actor | None,
        subject_id: str | None = None,
        object_id: str | None = None,
        refused_for: str | None = None,
        session: ClientSession | None = None,
    ) -> None:
        """Keep an entry of this service: with ``session``, in the transaction of what it tells of.

        ``action`` is ``<thing>.<verb>``; ``actor`` None where the suite acts by itself; ``subject_id`` a user's id,
        never text that a client made up; ``refused_for`` the error code of what was refused.
        """
        entry = {
            "_id": new_id(),
            "at": self._now(),
            "action": action,
            "refusedFor": refused_for,
            "actorId": actor.user_id if actor else None,
            "actorRole": actor.role if actor else None,
            "subjectId": subject_id,
            "objectId": object_id,
            "address": None,
        }
        self._entries.add(_sourced(entry, events.SOURCE), session)

    def recorded(self, source: str, event: events.AuditRecorded, session: ClientSession) -> None:
        """Keep an entry of another service; again is the same as once. Without its address if it is of the erased."""
        entry = {
            "_id": event.entry_id,
            "at": event.at,
            "action": event.action,
            "refusedFor": event.refused_for,
            "actorId": event.actor_id,
            "actorRole": event.actor_role,
            "subjectId": event.subject_id,
            "objectId": event.object_id,
            "address": event.address if self._may_be_located(event, session) else None,
        }
        self._entries.add(_sourced(entry, source), session)

    def listed(self, filters: Filters, after: Key | None, limit: int) -> list[Document]:
        """Entries, newest first."""
        return self._entries.listed(filters, after, limit)

    def access_log(self, user_id: str, after: Key | None, limit: int) -> list[Document]:
        """What others did to a person's things, newest first.

        Each entry has ``actor``: {id, role, name} with the name of today (null once erased), None for nobody.
        """
        entries = self._entries.by_others(user_id, after, limit)
        names = self._users.names({entry["actorId"] for entry in entries} - {None})
        return [{**entry, "actor": _actor(entry, names)} for entry in entries]

    def _may_be_located(self, event: events.AuditRecorded, session: ClientSession) -> bool:
        # the fence is only worth its writes where there is something for a concurrent purge to miss
        people = [person for person in (event.actor_id, event.subject_id) if person is not None]
        return event.address is not None and self._tombstones.are_live(people, session)


def _sourced(entry: Document, source: str) -> Document:
    cause = request_id()
    return {**entry, **({"requestId": cause} if cause else {}), "source": source}


def _actor(entry: Document, names: dict[str, str]) -> Document | None:
    if entry["actorId"] is None:
        return None
    return {"id": entry["actorId"], "role": entry["actorRole"], "name": names.get(entry["actorId"])}
