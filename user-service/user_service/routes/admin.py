"""What admins see and do of accounts."""

from typing import Any

from chassis.api import ADMIN, Api, Reply, expected_version, identity
from chassis.errors import NotFound, VersionMismatch
from chassis.headers import ETAG
from chassis.identity import Identity
from chassis.paging import page
from user_service.errors import CLOSED, AccountNotActive, CannotSuspendYourself, NotSuspended
from user_service.routes.rendering import key, shaped, versioned
from user_service.schemas.users import (
    Erasure,
    Erasures,
    ErasuresQuery,
    SuspensionBody,
    User,
    UserForAdmin,
    UserId,
    Users,
    UsersQuery,
)
from user_service.service import Service


def routes(service: Service) -> Api:
    api = Api("admin")

    def admin() -> Identity:
        who = identity()
        service.profiles.check_open(who)
        return who

    @api.get("/admin/users", access=ADMIN, returns=Users, errors=CLOSED)
    def list_users(query: UsersQuery) -> dict[str, Any]:
        """Every user, newest first."""
        admin()
        found = service.profiles.listed(
            status=query.status,
            role=query.role,
            beginning=query.q,
            after=key(query),
            limit=query.limit + 1,
        )
        return page(found, query.limit, lambda user: (user["createdAt"], user["_id"]), shaped(User))

    @api.get("/admin/users/<id>", access=ADMIN, returns=UserForAdmin, errors=[*CLOSED, NotFound], headers=[ETAG])
    def read_user(id: UserId) -> Reply:
        """One user, with the reasons of a deletion or a suspension."""
        return versioned(service.accounts.show(admin(), id), UserForAdmin)

    @api.post(
        "/admin/users/<id>/suspend",
        access=ADMIN,
        returns=UserForAdmin,
        errors=[*CLOSED, NotFound, VersionMismatch, AccountNotActive, CannotSuspendYourself],
        message="The account is suspended.",
        headers=[ETAG],
    )
    def suspend_user(id: UserId, body: SuspensionBody) -> Reply:
        """Close an active account until it is reinstated; may send `If-Match`."""
        return versioned(service.accounts.suspend(identity(), id, body.reason, expected_version()), UserForAdmin)

    @api.post(
        "/admin/users/<id>/reinstate",
        access=ADMIN,
        returns=UserForAdmin,
        errors=[*CLOSED, NotFound, VersionMismatch, NotSuspended],
        message="The account is active again.",
        headers=[ETAG],
    )
    def reinstate_user(id: UserId) -> Reply:
        """Lift a suspension; may send `If-Match`."""
        return versioned(service.accounts.reinstate(identity(), id, expected_version()), UserForAdmin)

    @api.get("/admin/erasures", access=ADMIN, returns=Erasures, errors=CLOSED)
    def list_erasures(query: ErasuresQuery) -> dict[str, Any]:
        """Every erasure, newest first: it is complete when no service's receipt is awaited any more."""
        admin()
        found = service.erasures.listed(key(query), query.limit + 1, is_open=query.open)
        return page(found, query.limit, lambda erasure: (erasure["startedAt"], erasure["_id"]), shaped(Erasure))

    return api
