"""Patients' records."""

from chassis.api import PATIENT, SELF, Api, Reply, expected_version, identity
from chassis.errors import NotFound, VersionMismatch
from chassis.headers import ETAG
from user_service.errors import CLOSED
from user_service.routes.rendering import versioned
from user_service.schemas.patients import Patient, RecordBody
from user_service.schemas.users import UserId
from user_service.service import Service


def routes(service: Service) -> Api:
    api = Api("patients")

    @api.get("/patients/me", access=PATIENT, returns=Patient, errors=CLOSED, headers=[ETAG])
    def read_own_record() -> Reply:
        """One's own record; before it is first written it is empty and its version 0."""
        return versioned(service.patients.own(identity()), Patient)

    @api.put(
        "/patients/me",
        access=PATIENT,
        returns=Patient,
        errors=(*CLOSED, VersionMismatch),
        message="Your record is saved.",
        headers=[ETAG],
    )
    def write_own_record(body: RecordBody) -> Reply:
        """Replace one's own record: what is absent is empty after it; may send `If-Match`."""
        return versioned(service.patients.replace(identity(), body.record(), expected_version()), Patient)

    # who may read it is no question of roles alone: to whom it may not be shown it is not there
    @api.get("/patients/<id>", access=SELF, returns=Patient, errors=(*CLOSED, NotFound), headers=[ETAG])
    def read_record(id: UserId) -> Reply:
        """A patient's record, for admins and for doctors who treat the patient; the patient sees who read it."""
        return versioned(service.patients.read(identity(), id), Patient)

    return api
