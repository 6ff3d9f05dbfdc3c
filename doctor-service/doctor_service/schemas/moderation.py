"""Shapes of what the admins decide about profiles."""

from datetime import datetime
from types import MappingProxyType

from pydantic import Field

from chassis.schemas import Body, Page, PageQuery, Shape, Text
from doctor_service.domain import Moderation
from doctor_service.schemas.profiles import Profile


class RefusalBody(Body):
    reason: Text = Field(description="The doctor reads it.")

    example = MappingProxyType({"reason": "We could not find your licence number in the register."})


class ModerationQuery(PageQuery):
    moderation_status: Moderation | None = Field(None, description="Only profiles that stand so.")


class Decision(Shape):
    status: Moderation
    at: datetime = Field(description="When it was decided, in UTC.")
    by: str | None = Field(description="The doctor's own id, or an admin's; null once that admin was erased.")
    reason: str | None = Field(None, description="What the doctor was told; null where none was asked for.")


class ModeratedDoctor(Profile):
    """A profile as the admins see it."""

    moderation_history: list[Decision] = Field(description="Every decision on the profile, oldest first.")


class ModeratedDoctors(Page[ModeratedDoctor]):
    """A page of doctors, for admins."""
