"""One's own account."""

from chassis.api import DOCTOR, PATIENT, SELF, Api, Reply, expected_version, identity
from chassis.errors import ServiceUnavailable, VersionMismatch
from chassis.headers import CONTENT_DISPOSITION, ETAG
from chassis.mongo import Document
from user_service.errors import CLOSED
from user_service.routes.rendering import versioned
from user_service.schemas.users import Deactivated, DeletionBody, Export, ProfileBody, User
from user_service.service import Service


def routes(service: Service) -> Api:
    api = Api("users")

    @api.get("/users/me", access=SELF, returns=User, errors=CLOSED, headers=[ETAG])
    def read_me() -> Reply:
        """One's own profile."""
        return versioned(service.profiles.own(identity()), User)

    @api.patch(
        "/users/me",
        access=SELF,
        returns=User,
        errors=[*CLOSED, VersionMismatch],
        message="Your profile is saved.",
        headers=[ETAG],
    )
    def update_me(body: ProfileBody) -> Reply:
        """Change one's own profile; may send `If-Match`."""
        return versioned(service.profiles.update(identity(), body.given(), expected_version()), User)

    @api.delete(
        "/users/me",
        access=(PATIENT, DOCTOR),
        returns=Deactivated,
        errors=CLOSED,
        message="Your account is deleted. You can recover it until the date given.",
    )
    def delete_me(body: DeletionBody) -> Document:
        """Delete one's own account; it can be recovered for a while."""
        user = service.accounts.delete(identity(), body.reason, body.comment)
        return {key: user[key] for key in ("status", "scheduledDeletionAt")}

    @api.get(
        "/users/me/export",
        access=SELF,
        returns=Export,
        errors=[*CLOSED, ServiceUnavailable],
        heavy=True,
        headers=[CONTENT_DISPOSITION],
    )
    def export_me() -> Reply:
        """Everything that every service holds about oneself: the whole, or 503."""
        exported = service.exports.export(identity())
        return Reply(exported, headers={CONTENT_DISPOSITION: 'attachment; filename="export.json"'})

    return api
