"""What admins see of accounts."""

from typing import Any

from chassis.api import ADMIN, Api, Reply
from chassis.errors import NotFound
from chassis.paging import page
from chassis.schemas import PageQuery
from user_service.routes.rendering import key, shaped, versioned
from user_service.schemas.users import Erasure, Erasures, User, UserForAdmin, Users, UsersQuery
from user_service.service import Service


def routes(service: Service) -> Api:
    api = Api("admin")

    @api.get("/admin/users", access=ADMIN, returns=Users)
    def list_users(query: UsersQuery) -> dict[str, Any]:
        """Every user, newest first."""
        found = service.profiles.listed(
            status=query.status,
            role=query.role,
            beginning=query.q,
            after=key(query),
            limit=query.limit + 1,
        )
        return page(found, query.limit, lambda user: (user["createdAt"], user["_id"]), shaped(User))

    @api.get("/admin/users/<id>", access=ADMIN, returns=UserForAdmin, errors=[NotFound])
    def read_user(id: str) -> Reply:
        """One user, with the reason of a deletion."""
        return versioned(service.profiles.get(id), UserForAdmin)

    @api.get("/admin/erasures", access=ADMIN, returns=Erasures)
    def list_erasures(query: PageQuery) -> dict[str, Any]:
        """Every erasure, newest first: it is complete when no service's receipt is awaited any more."""
        found = service.erasures.listed(key(query), query.limit + 1)
        return page(found, query.limit, lambda erasure: (erasure["startedAt"], erasure["_id"]), shaped(Erasure))

    return api
