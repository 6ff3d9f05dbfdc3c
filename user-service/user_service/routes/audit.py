"""The audit, and what of it a person sees."""

from typing import Any

from chassis.api import ADMIN, SELF, Api, identity
from chassis.paging import page
from chassis.schemas import PageQuery
from user_service.errors import CLOSED
from user_service.routes.rendering import key, shaped
from user_service.schemas.audit import Access, AccessLog, AuditQuery, Entries, Entry
from user_service.service import Service
from user_service.store.audit import Filters


def routes(service: Service) -> Api:
    api = Api("audit")

    @api.get("/admin/audit", access=ADMIN, returns=Entries, errors=CLOSED)
    def list_audit(query: AuditQuery) -> dict[str, Any]:
        """Who did what to whom in the whole suite, newest first."""
        service.profiles.check_open(identity())
        filters = Filters(query.actor_id, query.subject_id, query.action, query.since, query.until)
        found = service.audit.listed(filters, key(query), query.limit + 1)
        return page(found, query.limit, lambda entry: (entry["at"], entry["_id"]), shaped(Entry))

    @api.get("/users/me/access-log", access=SELF, returns=AccessLog, errors=CLOSED)
    def read_access_log(query: PageQuery) -> dict[str, Any]:
        """What others did to one's account and record, newest first."""
        who = identity()
        service.profiles.check_open(who)
        found = service.audit.access_log(who.user_id, key(query), query.limit + 1)
        return page(found, query.limit, lambda entry: (entry["at"], entry["_id"]), shaped(Access))

    return api
