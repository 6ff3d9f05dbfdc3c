"""Who may be booked, and who may book."""

from appointment_service import errors
from chassis.errors import TokenInvalid
from chassis.identity import Identity
from chassis.mongo import Document


def is_listed(doctor: Document | None) -> bool:
    """Whether this is a doctor whom anyone may see, given what the calendars hold of the id."""
    return bool(
        doctor
        and doctor["accountActive"]
        and doctor.get("moderationStatus") == "APPROVED"
        and doctor["visible"]
        and doctor["active"]
    )


def listed(doctor: Document | None) -> Document:
    """A doctor whom anyone may see; DoctorNotFound for all others."""
    if doctor is None or not is_listed(doctor):
        raise errors.DoctorNotFound
    return doctor


def require_open(account: Document | None) -> None:
    """TokenInvalid for an account that is closed while its token is still out."""
    if account and not account["accountActive"]:
        raise TokenInvalid


def require_verified(who: Identity, account: Document | None) -> None:
    """EmailNotVerified while neither the token nor an event says that the address is verified.

    The token may be from before the verification, or the event still under way: either is enough.
    """
    if not (who.email_verified or (account and account.get("emailVerified"))):
        raise errors.EmailNotVerified
