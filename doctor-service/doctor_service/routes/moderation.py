"""What admins decide about profiles."""

from datetime import datetime
from typing import Any

from chassis.api import ADMIN, Api, Reply, etag, expected_version, identity
from chassis.errors import VersionMismatch
from chassis.headers import ETAG
from chassis.mongo import Document
from chassis.paging import decode_cursor, page
from doctor_service.domain import Step
from doctor_service.errors import DoctorNotFound, InvalidTransition
from doctor_service.routes.rendering import moderated
from doctor_service.schemas.fields import DoctorId
from doctor_service.schemas.moderation import ModeratedDoctor, ModeratedDoctors, ModerationQuery, RefusalBody
from doctor_service.service import Doctors

_ERRORS = [DoctorNotFound, InvalidTransition, VersionMismatch]


def routes(doctors: Doctors) -> Api:
    api = Api("moderation")

    @api.get("/admin/doctors", access=ADMIN, returns=ModeratedDoctors)
    def all_doctors(query: ModerationQuery) -> dict[str, Any]:
        """The doctors, longest there first, whatever their standing."""
        after = decode_cursor(query.cursor, [datetime, str]) if query.cursor else None
        found = doctors.all(query.moderation_status, after, query.limit + 1)
        return page(found, query.limit, lambda doctor: [doctor["createdAt"], doctor["_id"]], moderated)

    @api.get("/admin/doctors/<id>", access=ADMIN, returns=ModeratedDoctor, errors=[DoctorNotFound], headers=[ETAG])
    def one_doctor(id: DoctorId) -> Reply:
        """One doctor, whatever the standing, with every decision on the profile."""
        return _reply(doctors.any(id))

    @api.post(
        "/admin/doctors/<id>/approve",
        access=ADMIN,
        returns=ModeratedDoctor,
        errors=_ERRORS,
        headers=[ETAG],
        message="Approved.",
    )
    def approve(id: DoctorId) -> Reply:
        """Let a profile be listed."""
        return _decide(id, Step.APPROVED)

    @api.post(
        "/admin/doctors/<id>/reject",
        access=ADMIN,
        returns=ModeratedDoctor,
        errors=_ERRORS,
        headers=[ETAG],
        message="Rejected.",
    )
    def reject(id: DoctorId, body: RefusalBody) -> Reply:
        """Turn a profile down; the doctor reads the reason, and may edit the profile to have it looked at anew."""
        return _decide(id, Step.REJECTED, body.reason)

    @api.post(
        "/admin/doctors/<id>/suspend",
        access=ADMIN,
        returns=ModeratedDoctor,
        errors=_ERRORS,
        headers=[ETAG],
        message="Suspended.",
    )
    def suspend(id: DoctorId, body: RefusalBody) -> Reply:
        """Take an approved doctor off the list, and cancel the doctor's future appointments."""
        return _decide(id, Step.SUSPENDED, body.reason)

    @api.post(
        "/admin/doctors/<id>/reinstate",
        access=ADMIN,
        returns=ModeratedDoctor,
        errors=_ERRORS,
        headers=[ETAG],
        message="Reinstated.",
    )
    def reinstate(id: DoctorId) -> Reply:
        """Let a suspended doctor be listed again; the appointments stay cancelled."""
        return _decide(id, Step.REINSTATED)

    def _decide(id: str, step: Step, reason: str | None = None) -> Reply:
        return _reply(doctors.moderate(id, step, identity().user_id, reason, expected_version()))

    return api


def _reply(doctor: Document) -> Reply:
    return Reply(moderated(doctor), headers=etag(doctor["version"]))
