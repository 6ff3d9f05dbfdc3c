"""What can be booked."""

from appointment_service import errors
from appointment_service.schemas.fields import DoctorId
from appointment_service.schemas.slots import Slots, SlotsQuery
from appointment_service.service import Booking
from chassis.api import PUBLIC, Api
from chassis.mongo import Document


def routes(booking: Booking) -> Api:
    api = Api("slots")

    @api.get("/doctors/<id>/slots", access=PUBLIC, returns=Slots, errors=[errors.DoctorNotFound])
    def slots(id: DoctorId, query: SlotsQuery) -> Document:
        """What could be booked now, for up to 31 days."""
        return booking.slots(id, query.first, query.last)

    return api
