"""What auth-service publishes and what it acts on."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from auth_service.domain import Reason
from auth_service.one_time_tokens import Purpose
from chassis import audit
from chassis.clock import instant_text
from chassis.events import Event, cloud_event
from chassis.mongo import Document
from chassis.schemas import BRANCHES, EventData

SOURCE = "auth-service"
_event = partial(cloud_event, SOURCE)


def user_registered(credential: Document) -> Event:
    return _event("user-registered", credential["_id"], registration(credential))


def registration(credential: Document) -> dict[str, Any]:
    return {
        "userId": credential["_id"],
        "email": credential["email"],
        "name": credential["name"],
        "role": credential["role"],
        "registeredAt": instant_text(credential["createdAt"]),
    }


def account_as_told(credential: Document) -> dict[str, Any]:
    """What is told of an account as it is now, to who keeps a copy."""
    return {**registration(credential), "emailVerified": bool(credential.get("emailVerified"))}


def session_revoked(revocation: Document) -> Event:
    return _event(
        "session-revoked",
        revocation["userId"],
        {
            "userId": revocation["userId"],
            "sessionIds": revocation["sessionIds"],
            "reason": revocation["reason"],
            "revokedAt": instant_text(revocation["at"]),
            "until": instant_text(revocation["until"]),
        },
    )


# entries of the audit


def account_opened(credential: Document, address: str | None) -> Event:
    return audit.entry(
        SOURCE,
        "account.opened",
        actor_id=credential["_id"],
        actor_role=credential["role"],
        subject_id=credential["_id"],
        address=address,
    )


def session_opened(credential: Document, document: Document) -> Event:
    return audit.entry(
        SOURCE,
        "session.opened",
        actor_id=credential["_id"],
        actor_role=credential["role"],
        subject_id=credential["_id"],
        object_id=document["_id"],
        address=document["ip"],
    )


def sessions_ended(revocation: Document, role: str | None) -> Event:
    """Sessions were ended: by the user in that role, or by the suite itself."""
    ended = revocation["sessionIds"]
    return audit.entry(
        SOURCE,
        "session.reused" if revocation["reason"] == Reason.TOKEN_REUSED else "session.ended",
        actor_id=revocation["userId"] if role else None,
        actor_role=role,
        subject_id=revocation["userId"],
        object_id=ended[0] if len(ended) == 1 else None,
    )


def session_refused(credential: Document | None, address: str | None, code: str) -> Event:
    """A sign-in was refused; whose it would have been, if that is known."""
    return audit.entry(
        SOURCE,
        "session.refused",
        actor_id=None,
        actor_role=None,
        subject_id=credential["_id"] if credential else None,
        address=address,
        refused_for=code,
    )


def refused_password_change(credential: Document | None, address: str | None, code: str) -> Event:
    """The audit's entry of a change that was refused: the present password was wrong."""
    return _about(credential, "password.refused", address, refused_for=code)


def password_changed(
    credential: Document, at: datetime, by: Literal["CHANGE", "RESET"], address: str | None
) -> list[Event]:
    """What a new password is announced with, and its entry in the audit."""
    data = {"userId": credential["_id"], "changedAt": instant_text(at), "by": by}
    action = {"CHANGE": "password.changed", "RESET": "password.reset"}[by]
    return [_event("password-changed", credential["_id"], data), _about(credential, action, address)]


def email_verified(credential: Document, at: datetime) -> list[Event]:
    """What a verified address is announced with, and its entry in the audit."""
    data = {"userId": credential["_id"], "verifiedAt": instant_text(at)}
    return [_event("email-verified", credential["_id"], data), _about(credential, "email.verified", None)]


def one_time_token_requested(document: Document) -> Event:
    """The wish for a mail, without the token: who sends the mail asks for it."""
    data = {
        "userId": document["userId"],
        "requestId": document["_id"],
        "expiresAt": instant_text(document["expiresAt"]),
    }
    kinds = {Purpose.RESET: "password-reset-requested", Purpose.VERIFY: "email-verification-requested"}
    return _event(kinds[document["kind"]], document["_id"], data)


def _about(credential: Document | None, action: str, address: str | None, refused_for: str | None = None) -> Event:
    # who knows the password, or reads the account's mail, is taken for its user
    who = credential or {}
    return audit.entry(
        SOURCE,
        action,
        actor_id=who.get("_id"),
        actor_role=who.get("role"),
        subject_id=who.get("_id"),
        address=address,
        refused_for=refused_for,
    )


class UserUpdated(EventData):
    user_id: str
    name: str
    version: int


class UserDeactivated(EventData):
    user_id: str
    scheduled_deletion_at: datetime
    version: int


class UserRecovered(EventData):
    user_id: str
    version: int


class UserSuspended(EventData):
    user_id: str
    version: int


class UserReinstated(EventData):
    user_id: str
    version: int


class UserDeleted(EventData):
    user_id: str
    version: int


class UserAsTold(EventData):
    """A user's standing in a snapshot."""

    user_id: str
    status: Annotated[str, BRANCHES]
    scheduled_deletion_at: datetime | None
    version: int
