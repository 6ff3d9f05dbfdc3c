"""What stands on a doctor's card that others find out: the rating, and the next free slot."""

from pymongo.client_session import ClientSession

from doctor_service import events
from doctor_service.domain import derived
from doctor_service.store import DoctorStore


class Cards:
    """What other services announce. Both tell of doctors whom this service announced before: about a doctor who is not
    here, because erased, they change nothing.
    """

    def __init__(self, *, store: DoctorStore) -> None:
        self._store = store

    def doctor_rated(self, event: events.DoctorRated, session: ClientSession) -> None:
        """Take over a rating, unless a newer one is here already."""
        rating = event.doctor_rating.model_dump()
        doctor = self._store.doctor(event.doctor_id, session)
        if doctor and doctor["rating"]["version"] < rating["version"]:
            keys = derived({**doctor, "rating": rating})["search"]["keys"]
            self._store.set_rating(event.doctor_id, rating, keys, session)

    def next_available_changed(self, event: events.NextAvailableChanged, session: ClientSession) -> None:
        """Take over the next free slot, unless a newer one is here already."""
        start = event.next_available.start if event.next_available else None
        self._store.set_next_available(event.doctor_id, start, event.version, session)
