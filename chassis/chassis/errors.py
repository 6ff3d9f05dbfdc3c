"""Errors that a client may see. Each has a stable ``code``; services add their own in their ``errors.py``."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chassis import context


class AppError(Exception):
    """An answer other than success: HTTP status, stable code, a message for a person.

    ``data`` rides in the envelope beside the code; ``errors`` are the failed fields of a validation; ``headers`` take
    the place of the class's own.
    The message never holds a query, a stack trace or another person's data.
    """

    status: int = 500
    code: str = "INTERNAL_ERROR"
    message: str = "Something went wrong on our side."
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self,
        message: str | None = None,
        *,
        data: dict[str, Any] | None = None,
        errors: list[dict[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.text = message or self.message
        self.data = data
        self.errors = errors
        if headers is not None:
            self.headers = headers
        super().__init__(self.text)


class InternalError(AppError):
    """A defect of ours. Nothing about its cause leaves the service; the request id finds it in the log."""


class MalformedRequest(AppError):
    status, code, message = 400, "MALFORMED_REQUEST", "The request could not be read."


class TokenMissing(AppError):
    status, code, message = 401, "TOKEN_MISSING", "Sign in: this needs an access token."
    headers = MappingProxyType({"WWW-Authenticate": "Bearer"})


class TokenInvalid(AppError):
    status, code, message = 401, "TOKEN_INVALID", "The access token is not valid."
    headers = MappingProxyType({"WWW-Authenticate": 'Bearer error="invalid_token"'})


class TokenExpired(TokenInvalid):
    code, message = "TOKEN_EXPIRED", "The access token has expired: refresh it."


class TokenRevoked(TokenInvalid):
    code, message = "TOKEN_REVOKED", "This session has ended: sign in again."


class Forbidden(AppError):
    status, code, message = 403, "FORBIDDEN", "You may not do this."


class NotFound(AppError):
    status, code, message = 404, "NOT_FOUND", "There is no such thing here."


class NotAcceptable(AppError):
    status, code, message = 406, "NOT_ACCEPTABLE", "Only application/json can be answered."


class Conflict(AppError):
    status, code, message = 409, "CONFLICT", "This conflicts with the present state."


class VersionMismatch(AppError):
    status, code, message = 412, "VERSION_MISMATCH", "This was changed meanwhile: read it again."


class UriTooLong(AppError):
    status, code, message = 414, "URI_TOO_LONG", "The address of the request is too long."


class HeadersTooLarge(AppError):
    status, code, message = 431, "HEADERS_TOO_LARGE", "The request has too many headers, or too long ones."


class UnsupportedMediaType(AppError):
    status, code, message = 415, "UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json."


class ValidationFailed(AppError):
    status, code, message = 422, "VALIDATION_FAILED", "Some fields are not right."


class ServiceUnavailable(AppError):
    status, code, message = 503, "SERVICE_UNAVAILABLE", "A part is away just now: try again shortly."
    headers = MappingProxyType({"Retry-After": "2"})


class NotReady(ServiceUnavailable):
    code, message = "NOT_READY", "Not ready."


class UpstreamTimeout(AppError):
    status, code, message = 504, "UPSTREAM_TIMEOUT", "A part took too long to answer."


def error_envelope(error: AppError) -> dict[str, object]:
    """The body of an error's answer."""
    envelope: dict[str, object] = {
        "success": False,
        "message": error.text,
        "code": error.code,
        "requestId": context.request_id(),
    }
    if error.errors is not None:
        envelope["errors"] = error.errors
    if error.data is not None:
        envelope["data"] = error.data
    return envelope
