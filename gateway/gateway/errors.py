"""The gateway's own errors and their stable codes."""

from collections.abc import Iterable
from types import MappingProxyType

from chassis.errors import AppError


class RouteNotFound(AppError):
    status, code, message = 404, "NOT_FOUND", "There is no such route."


class MethodNotAllowed(AppError):
    status, code, message = 405, "METHOD_NOT_ALLOWED", "This route does not take that method."

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__(headers={"Allow": ", ".join(allowed)})


class PayloadTooLarge(AppError):
    status, code, message = 413, "PAYLOAD_TOO_LARGE", "The body is too large."


class RequestTimeout(AppError):
    status, code, message = 408, "REQUEST_TIMEOUT", "The request came too slowly."


class RateLimited(AppError):
    status, code, message = 429, "RATE_LIMITED", "You ask too often: wait a little."


class Overloaded(AppError):
    status, code, message = 503, "OVERLOADED", "More is asked than can be answered just now: try again shortly."
    headers = MappingProxyType({"Retry-After": "1"})


class BadGateway(AppError):
    status, code, message = 502, "BAD_GATEWAY", "A part gave an answer that could not be understood."
