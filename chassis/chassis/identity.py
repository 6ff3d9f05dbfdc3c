"""Who calls."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """The signed-in user, as the token's claims tell."""

    user_id: str
    session_id: str
    role: str
    email: str
    name: str
    email_verified: bool
    issued_at: datetime
    authenticated_at: float
    """When the session was opened, seconds since 1970: of a token that does not say, when it was issued."""
    expires_at: float
