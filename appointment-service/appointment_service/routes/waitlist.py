"""Waiting for a doctor's time, and taking what is offered."""

from appointment_service.service import Requests, Waitlist
from chassis.api import Api


def routes(waitlist: Waitlist, requests: Requests) -> Api:
    return Api("waitlist")
