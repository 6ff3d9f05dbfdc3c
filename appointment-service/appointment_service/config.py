"""What appointment-service reads from its environment."""

from pydantic import Field

from chassis.config import DataConfig, PublicUrl


class Config(DataConfig):
    require_verified_email: bool = Field(False, description="Whether only a patient with a verified address may book.")
    offer_seconds: int = Field(1_800, ge=1, le=86_400, description="How long a freed slot is held for who waits.")
    public_url: PublicUrl | None = Field(
        None, description="Base of a calendar feed's address, without a slash at its end; unset, it is a path."
    )
