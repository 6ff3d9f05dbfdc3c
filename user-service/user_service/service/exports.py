"""What every service holds about a person, as one document."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime

import structlog

from chassis.errors import AppError, ServiceUnavailable
from chassis.export import told
from chassis.identity import Identity
from chassis.mongo import Document
from chassis.rpc import RpcClient
from user_service.calls import EXPORTS
from user_service.service.audit import Audit
from user_service.service.profiles import Profiles
from user_service.store.audit import Entries
from user_service.store.patients import Patients
from user_service.store.relations import Relations

log = structlog.get_logger(__name__)


class Exports:
    """The right of access: everything, or nothing."""

    def __init__(
        self,
        profiles: Profiles,
        audit: Audit,
        *,
        patients: Patients,
        relations: Relations,
        entries: Entries,
        rpc: RpcClient,
        clock: Callable[[], datetime],
    ) -> None:
        self._profiles = profiles
        self._audit = audit
        self._patients = patients
        self._relations = relations
        self._entries = entries
        self._rpc = rpc
        self._now = clock

    def export(self, who: Identity) -> Document:
        """All that the suite holds about the caller, JSON-ready.

        Raises ServiceUnavailable if any service cannot tell its part: a part never passes for the whole; what
        ``Profiles.own`` raises.
        """
        user = self._profiles.own(who)
        services = self._ask_all(user["_id"])
        self._audit.record("data.exported", actor=who, subject_id=user["_id"])
        return {
            "exportedAt": told(self._now()),
            "userId": user["_id"],
            "account": told(user, "search", "outbox"),
            "patientRecord": self._patients.export(user["_id"]),
            "careRelations": told(self._relations.of(user["_id"])),
            "accessLog": told(self._entries.of_subject(user["_id"])),
            "services": services,
        }

    def _ask_all(self, user_id: str) -> dict[str, Document]:
        with ThreadPoolExecutor(len(EXPORTS)) as pool:
            # each in a copy of this context: the request id goes along
            asked = {name: pool.submit(copy_context().run, self._ask, name, user_id) for name in EXPORTS}
            return {name: answer.result() for name, answer in asked.items()}

    def _ask(self, service: str, user_id: str) -> Document:
        try:
            answer: Document = EXPORTS[service].ask(self._rpc, user_id=user_id)
        except AppError as error:
            log.warning("export not told", service=service, error=error.code)
            raise ServiceUnavailable from None
        return answer
