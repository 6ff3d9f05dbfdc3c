"""Shapes of calendar feeds."""

from datetime import datetime

from pydantic import Field

from chassis.schemas import Shape


class Feed(Shape):
    secret: str = Field(description="Told this once; whoever has it reads the feed.")
    url: str = Field(description="For a calendar program to subscribe to.")
    created_at: datetime
