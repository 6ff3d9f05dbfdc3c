"""What doctor-service answers when it is called."""

from typing import Any

from chassis.schemas import Shape
from doctor_service.domain import Moderation


class Doctor(Shape):
    """Of ``snapshot_doctors``: what ``doctor-updated`` tells."""

    doctor_id: str
    version: int
    name: str | None
    specialty: str
    clinic: dict[str, Any] | None
    moderation_status: Moderation
    visible: bool
    accepting: bool
    active: bool
    calendar: dict[str, Any] | None
