"""What review-service answers when it is called."""

from chassis.schemas import Shape


class Figures(Shape):
    average: float
    count: int
    version: int


class Rating(Shape):
    """Of ``snapshot_ratings``."""

    doctor_id: str
    doctor_rating: Figures
