"""The Idempotency-Key of requests that create or move an appointment."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256

from flask import request
from pydantic_core import from_json
from pymongo.client_session import ClientSession

from appointment_service import errors
from appointment_service.domain.appointment import Action
from appointment_service.metrics import changing
from appointment_service.routes.answers import reply
from appointment_service.service import Requests
from appointment_service.service.requests import Done
from chassis.api import Reply, identity
from chassis.errors import AppError, ValidationFailed
from chassis.headers import ETAG, IDEMPOTENCY_REPLAYED
from chassis.mongo import Document
from chassis.schemas import invalid

HEADER = "Idempotency-Key"
REPLAYED = {IDEMPOTENCY_REPLAYED: "true"}
LONGEST = 255

ONCE_ERRORS: list[type[AppError]] = [ValidationFailed, errors.IdempotencyKeyReused, errors.IdempotencyInProgress]
"""What a route whose handler calls ``once`` declares besides its own."""
ONCE_HEADERS = (ETAG, IDEMPOTENCY_REPLAYED)
"""Likewise."""


class _Replayed(AppError):
    """An error that was answered before."""

    def __init__(self, answer: Document) -> None:
        super().__init__(answer["message"], data=answer["data"], headers={**answer["headers"], **REPLAYED})
        self.status, self.code = answer["status"], answer["code"]


def once(
    requests: Requests, action: Action, work: Callable[[ClientSession | None], Document], *, status: int = 200
) -> Reply:
    """The answer that tells of the appointment that ``work`` made or changed, which is counted as ``action``.

    With an Idempotency-Key, ``work`` runs in the transaction of the session that it is given, and may run again
    after a rollback; a request that was answered before is answered like that, and ``work`` does not run.
    """
    key, who = _key(), identity()
    counting = partial(changing, action, who.role)
    if key is None:
        with counting():
            return replace(reply(work(None)), status=status)

    def perform(session: ClientSession) -> Done:
        document = work(session)
        made = reply(document)
        people = [document[name] for name in ("patientId", "doctorId") if document[name]]
        return Done({"status": status, "headers": made.headers, "data": made.data}, people)

    answer, replayed = requests.once(who.user_id, key, _fingerprint(), perform, counting)
    if "code" in answer:
        raise _Replayed(answer)
    headers = {**answer["headers"], **REPLAYED} if replayed else answer["headers"]
    return Reply(answer["data"], answer["status"], headers=headers)


def _key() -> bytes | None:
    """The key's bytes, None where there is none. Raises ValidationFailed unless it is 1-255 printable characters.

    A header is bytes, which WSGI hands over as Latin-1; those that are UTF-8 count as the characters that they write.
    """
    header = request.headers.get(HEADER)
    if header is None:
        return None
    key = header.strip(" \t").encode("latin-1")
    try:
        text = key.decode()
    except UnicodeDecodeError:
        text = key.decode("latin-1")
    if not (1 <= len(text) <= LONGEST and text.isprintable()):
        raise invalid(HEADER, f"must be 1 to {LONGEST} printable characters")
    return key


def _fingerprint() -> str:
    """What makes two requests the same: method, path, and the body's meaning (order of keys and spaces have none)."""
    body = json.dumps(from_json(request.get_data() or b"{}"), sort_keys=True)
    return sha256(json.dumps([request.method, request.path, body]).encode()).hexdigest()
