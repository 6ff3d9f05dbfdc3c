"""Who cares for whom, as the appointments tell."""

from pymongo.client_session import ClientSession

from chassis.mongo import Document
from chassis.tombstones import Tombstones
from user_service import events, store


class Relations:
    """The doctors and patients who have, or had, an appointment with one another."""

    def __init__(self, *, relations: store.relations.Relations, tombstones: Tombstones) -> None:
        self._relations = relations
        self._tombstones = tombstones

    def relate(self, event: events.AppointmentChanged, *, cancelled: bool, session: ClientSession) -> None:
        """Remember who has an appointment with whom, and whether it was cancelled; nothing of who was erased."""
        if not self._tombstones.are_live((event.doctor_id, event.patient_id), session):
            return
        self._relations.keep(relation(event, cancelled=cancelled), session)


def relation(event: events.AppointmentChanged, *, cancelled: bool) -> Document:
    """What is kept of an appointment."""
    return {
        "_id": event.appointment_id,
        "doctorId": event.doctor_id,
        "patientId": event.patient_id,
        "version": event.version,
        "cancelled": cancelled,
    }
