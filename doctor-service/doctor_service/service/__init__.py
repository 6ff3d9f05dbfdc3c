"""doctor-service's use cases: the doctors themselves, and who follows them."""

from doctor_service.service.doctors import Doctors
from doctor_service.service.follows import Follows

__all__ = ["Doctors", "Follows"]
