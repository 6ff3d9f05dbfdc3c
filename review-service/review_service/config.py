"""What review-service reads from its environment."""

from chassis.config import DataConfig


class Config(DataConfig):
    """Nothing beyond what every service with a database and events reads."""
