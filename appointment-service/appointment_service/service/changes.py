"""A decided change of status as the store writes it: with its line in the history and all that is told of it."""

from datetime import datetime

from appointment_service import events
from appointment_service.domain.appointment import Actor, Status
from appointment_service.store import Transition
from chassis.mongo import Document


def transition(
    held: Document,
    status: Status,
    at: datetime,
    actor: Actor,
    user_id: str | None = None,
    reason: str | None = None,
) -> Transition:
    """The change of ``held`` to ``status``, by ``user_id`` in the role ``actor``.

    The history names its patient and its doctor. An admin is just `admin` there, for no erasure looks for admins in
    histories; who it was is in the audit, whose entry commits with the change.
    """
    changed = {**held, "status": status, "version": held["version"] + 1}
    told = [events.announcement(changed, actor)]
    if actor is Actor.ADMIN and status is Status.CANCELLED:
        told.append(events.cancellation_audited(changed, user_id))
    by = user_id if user_id and actor in (Actor.PATIENT, Actor.DOCTOR) else actor
    return Transition(held, status, at, by, reason, told)
