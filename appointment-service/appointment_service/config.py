"""What appointment-service reads from its environment: no more than every service with a database does."""

from chassis.config import DataConfig


class Config(DataConfig):
    pass
