"""What doctor-service reads from its environment."""

from chassis.config import DataConfig


class Config(DataConfig):
    """Nothing of its own: what every service with a database and events reads."""
