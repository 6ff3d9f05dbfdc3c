"""Shapes of calendar feeds."""

from typing import Annotated

from pydantic import Field

from chassis.schemas import CreatedAt, Shape

Secret = Annotated[str, Field(description="The secret of a feed; whoever has it reads the feed.")]


class Feed(Shape):
    secret: str = Field(description="Told this once; whoever has it reads the feed.")
    url: str = Field(
        description="For a calendar program to subscribe to; a path where the suite was told no address of its own.",
        json_schema_extra={"format": "uri-reference"},
    )
    created_at: CreatedAt
