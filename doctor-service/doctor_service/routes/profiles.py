"""A doctor's own profile and standing."""

from chassis.api import DOCTOR, Api, Reply, etag, expected_version, identity
from chassis.errors import VersionMismatch
from chassis.headers import ETAG
from chassis.mongo import Document
from doctor_service.errors import DoctorProfileMissing
from doctor_service.routes.rendering import own
from doctor_service.schemas.profiles import AcceptingBody, Profile, ProfileBody, ProfilePatch, VisibilityBody
from doctor_service.service import Doctors

_CHANGE_ERRORS = [DoctorProfileMissing, VersionMismatch]


def routes(doctors: Doctors) -> Api:
    api = Api("profiles")

    @api.put(
        "/doctors/me",
        access=DOCTOR,
        returns=Profile,
        status=(200, 201),
        errors=[VersionMismatch],
        headers=[ETAG],
        message="Your profile is saved.",
    )
    def put_profile(body: ProfileBody) -> Reply:
        """Create the profile (201), which then awaits moderation, or replace it (200)."""
        who = identity()
        doctor, created = doctors.put_profile(who.user_id, who.name, body.fields(), expected_version())
        return _reply(doctor, status=201 if created else 200)

    @api.get("/doctors/me", access=DOCTOR, returns=Profile, errors=[DoctorProfileMissing], headers=[ETAG])
    def own_profile() -> Reply:
        """The doctor's own profile."""
        return _reply(doctors.own(identity().user_id))

    @api.patch(
        "/doctors/me",
        access=DOCTOR,
        returns=Profile,
        errors=_CHANGE_ERRORS,
        headers=[ETAG],
        message="Your profile is saved.",
    )
    def patch_profile(body: ProfilePatch) -> Reply:
        """Change what is sent and leave the rest."""
        return _reply(doctors.edit_profile(identity().user_id, body.fields(), expected_version()))

    @api.put(
        "/doctors/me/visibility",
        access=DOCTOR,
        returns=Profile,
        errors=_CHANGE_ERRORS,
        headers=[ETAG],
        message="Saved.",
    )
    def put_visibility(body: VisibilityBody) -> Reply:
        """Be listed, or not."""
        return _reply(doctors.set_visible(identity().user_id, body.visible, expected_version()))

    @api.put(
        "/doctors/me/accepting", access=DOCTOR, returns=Profile, errors=_CHANGE_ERRORS, headers=[ETAG], message="Saved."
    )
    def put_accepting(body: AcceptingBody) -> Reply:
        """Take new appointments, or not."""
        return _reply(doctors.set_accepting(identity().user_id, body.accepting, expected_version()))

    return api


def _reply(doctor: Document, status: int = 200) -> Reply:
    return Reply(own(doctor), status=status, headers=etag(doctor["version"]))
