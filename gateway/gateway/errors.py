"""The gateway's own errors and their stable codes."""

from collections.abc import Iterable

from chassis.errors import AppError


class RouteNotFound(AppError):
    status, code, message = 404, "NOT_FOUND", "There is no such route."


class MethodNotAllowed(AppError):
    status, code, message = 405, "METHOD_NOT_ALLOWED", "This route does not take that method."

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__(headers={"Allow": ", ".join(allowed)})


class PayloadTooLarge(AppError):
    status, code, message = 413, "PAYLOAD_TOO_LARGE", "The body is too large."


class BadGateway(AppError):
    status, code, message = 502, "BAD_GATEWAY", "A part gave an answer that could not be understood."
