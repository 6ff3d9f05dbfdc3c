"""What the appointments add up to."""

from appointment_service.service import Analytics
from chassis.api import Api


def routes(analytics: Analytics) -> Api:
    return Api("analytics")
