"""doctor-service's use cases: the doctors themselves, what their cards show, and who follows them."""

from doctor_service.service.cards import Cards
from doctor_service.service.doctors import Doctors
from doctor_service.service.follows import Follows

__all__ = ["Cards", "Doctors", "Follows"]
