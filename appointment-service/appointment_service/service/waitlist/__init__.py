"""The waitlist: who waits for a doctor's time, and the slots that are held for them."""

from appointment_service.service.waitlist.line import Waitlist
from appointment_service.service.waitlist.offers import Freed

__all__ = ["Freed", "Waitlist"]
