"""What its doctor decides, and notes, of an appointment."""

from appointment_service.domain.appointment import Action
from appointment_service.routes.answers import CHANGE_ERRORS, reply
from appointment_service.schemas.appointments import Appointment, ReasonBody
from appointment_service.schemas.fields import AppointmentId
from appointment_service.service import AppointmentService
from chassis.api import DOCTOR, Api, Reply, expected_version, identity
from chassis.headers import ETAG


def routes(service: AppointmentService) -> Api:
    api = Api("doctor")

    @api.post(
        "/appointments/<id>/confirm",
        access=DOCTOR,
        returns=Appointment,
        errors=CHANGE_ERRORS,
        headers=[ETAG],
        message="The appointment is confirmed.",
    )
    def confirm(id: AppointmentId) -> Reply:
        """Say yes to a request, for its doctor, before it lapses."""
        return changed(id, Action.CONFIRM)

    @api.post(
        "/appointments/<id>/decline",
        access=DOCTOR,
        returns=Appointment,
        errors=CHANGE_ERRORS,
        headers=[ETAG],
        message="The request is declined.",
    )
    def decline(id: AppointmentId, body: ReasonBody) -> Reply:
        """Say no to a request, for its doctor: it is cancelled, and its time free."""
        return changed(id, Action.DECLINE, body.reason)

    @api.post(
        "/appointments/<id>/check-in",
        access=DOCTOR,
        returns=Appointment,
        errors=CHANGE_ERRORS,
        headers=[ETAG],
        message="The patient is here.",
    )
    def check_in(id: AppointmentId) -> Reply:
        """Say that the patient has arrived; for its doctor."""
        return changed(id, Action.CHECK_IN)

    @api.post(
        "/appointments/<id>/complete",
        access=DOCTOR,
        returns=Appointment,
        errors=CHANGE_ERRORS,
        headers=[ETAG],
        message="The appointment is completed.",
    )
    def complete(id: AppointmentId) -> Reply:
        """Say that the appointment took place, for its doctor; of a no-show, within seven days of its end."""
        return changed(id, Action.COMPLETE)

    @api.post(
        "/appointments/<id>/no-show",
        access=DOCTOR,
        returns=Appointment,
        errors=CHANGE_ERRORS,
        headers=[ETAG],
        message="The patient did not come.",
    )
    def no_show(id: AppointmentId) -> Reply:
        """Say that the patient did not come, for its doctor; of what was completed, within seven days of its end."""
        return changed(id, Action.NO_SHOW)

    def changed(appointment_id: str, action: Action, reason: str | None = None) -> Reply:
        return reply(service.change(identity(), appointment_id, action, reason, expected_version()))

    return api
