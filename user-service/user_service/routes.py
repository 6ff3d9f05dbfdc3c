"""user-service's routes: parse, call, render."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chassis.api import ADMIN, DOCTOR, PATIENT, SELF, Api, Reply, etag, expected_version, identity
from chassis.errors import NotFound, TokenInvalid, VersionMismatch
from chassis.mongo import Document
from chassis.paging import decode_cursor, page
from chassis.schemas import PageQuery, Shape
from user_service.errors import AccountDeleted
from user_service.schemas import (
    Deactivated,
    DeletionBody,
    Erasure,
    Erasures,
    ProfileBody,
    User,
    UserForAdmin,
    Users,
    UsersQuery,
)
from user_service.service import Key, UserService


def routes(service: UserService) -> Api:
    api = Api("users")

    @api.get("/users/me", access=SELF, returns=User, errors=[AccountDeleted, TokenInvalid])
    def read_me() -> Reply:
        """One's own profile."""
        return _versioned(service.profile(identity()), User)

    @api.patch(
        "/users/me",
        access=SELF,
        returns=User,
        errors=[AccountDeleted, TokenInvalid, VersionMismatch],
        message="Your profile is saved.",
    )
    def update_me(body: ProfileBody) -> Reply:
        """Change one's own profile; may send `If-Match`."""
        return _versioned(service.update_profile(identity(), body.given(), expected_version()), User)

    @api.delete(
        "/users/me",
        access=(PATIENT, DOCTOR),
        returns=Deactivated,
        errors=[AccountDeleted, TokenInvalid],
        message="Your account is deleted. You can recover it until the date given.",
    )
    def delete_me(body: DeletionBody) -> Document:
        """Delete one's own account; it can be recovered for a while."""
        user = service.delete_account(identity(), body.reason, body.comment)
        return {key: user[key] for key in ("status", "scheduledDeletionAt")}

    @api.get("/admin/users", access=ADMIN, returns=Users)
    def list_users(query: UsersQuery) -> dict[str, Any]:
        """Every user, newest first."""
        found = service.users(
            status=query.status,
            role=query.role,
            beginning=query.q,
            after=_key(query),
            limit=query.limit + 1,
        )
        return page(found, query.limit, lambda user: (user["createdAt"], user["_id"]), _shape(User))

    @api.get("/admin/users/<id>", access=ADMIN, returns=UserForAdmin, errors=[NotFound])
    def read_user(id: str) -> Reply:
        """One user, with the reason of a deletion."""
        return _versioned(service.user(id), UserForAdmin)

    @api.get("/admin/erasures", access=ADMIN, returns=Erasures)
    def list_erasures(query: PageQuery) -> dict[str, Any]:
        """Every erasure, newest first: it is complete when no service's receipt is awaited any more."""
        found = service.erasures(_key(query), query.limit + 1)
        return page(found, query.limit, lambda erasure: (erasure["startedAt"], erasure["_id"]), _shape(Erasure))

    return api


def _versioned(user: Document, shape: type[Shape]) -> Reply:
    return Reply(_shape(shape)(user), headers=etag(user["version"]))


def _shape(shape: type[Shape]) -> Callable[[Document], Shape]:
    return lambda document: shape.model_validate({**document, "id": document["_id"]})


def _key(query: PageQuery) -> Key | None:
    if query.cursor is None:
        return None
    instant, identifier = decode_cursor(query.cursor, (datetime, str))
    return instant, identifier
