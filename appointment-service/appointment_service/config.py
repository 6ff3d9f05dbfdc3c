"""What appointment-service reads from its environment."""

from pydantic import Field

from chassis.config import DataConfig


class Config(DataConfig):
    require_verified_email: bool = Field(False, description="Whether only a patient with a verified address may book.")
