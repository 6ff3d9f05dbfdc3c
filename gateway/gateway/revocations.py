"""What is known here of ended sessions and closed accounts, in memory, and how recent that knowledge is."""

import time
from collections.abc import Callable, Mapping
from threading import Lock

from chassis.identity import Identity

LONGEST_TOKEN_SECONDS = 3600.0
"""No access token lives longer, so nothing about it has to be remembered for longer."""

SKEW_SECONDS = 60.0
"""How far the clocks of two machines may be apart."""

LONGEST_SILENCE_SECONDS = 5.0
"""A relay says each second that all is published; when this long nothing came, news may be late."""

_PRUNE_EVERY_SECONDS = 60.0


class Revocations:
    """Ended sessions and closed accounts, each for as long as a token of theirs may still be out.

    Reading takes no lock, for it is part of every request: a dictionary is changed key by key or replaced whole.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._sessions: dict[str, float] = {}
        self._closures: dict[str, float] = {}
        self._writing = Lock()
        self._prune_at = 0.0

    def __len__(self) -> int:
        return len(self._sessions) + len(self._closures)

    def is_revoked(self, identity: Identity) -> bool:
        """Whether the session is known to have ended, or was opened before its account was closed."""
        if identity.session_id in self._sessions:
            return True
        closed_at = self._closures.get(identity.user_id)
        return closed_at is not None and identity.authenticated_at <= closed_at

    def end_sessions(self, until: Mapping[str, float]) -> None:
        """Take in {session id: when its last access token has expired, seconds since 1970}."""
        # a date in the far future, whatever made it, must not be remembered for ever
        latest = self._clock() + LONGEST_TOKEN_SECONDS
        with self._writing:
            for session_id, end in until.items():
                self._sessions[session_id] = max(min(end, latest), self._sessions.get(session_id, 0.0))
            self._prune()

    def close_accounts(self, closed_at: Mapping[str, float]) -> None:
        """Take in {user id: when the account was closed, seconds since 1970}: what was opened until then is over."""
        latest = self._clock() + SKEW_SECONDS
        with self._writing:
            for user_id, instant in closed_at.items():
                self._closures[user_id] = max(min(instant, latest), self._closures.get(user_id, 0.0))
            self._prune()

    def _prune(self) -> None:
        now = self._clock()
        if now < self._prune_at:
            return
        self._prune_at = now + _PRUNE_EVERY_SECONDS
        # later than the date says: a token must be expired at every clock before its session is forgotten
        oldest = now - SKEW_SECONDS
        self._sessions = {key: end for key, end in self._sessions.items() if end > oldest}
        oldest -= LONGEST_TOKEN_SECONDS
        self._closures = {key: instant for key, instant in self._closures.items() if instant > oldest}


class Freshness:
    """As of when everything that one source committed is known here.

    A snapshot that was begun after the queue was bound completes the knowledge: what is committed later comes
    through the queue. From then on each pulse of the source says that nothing is under way, until the connection
    is lost.
    """

    def __init__(self) -> None:
        self._known_at = float("-inf")
        self._complete = False

    def is_stale(self, now: float) -> bool:
        """Whether something revoked a while ago may not be known here; ``now`` is monotonic."""
        return now - self._known_at > LONGEST_SILENCE_SECONDS

    def learned(self, began: float) -> None:
        """A snapshot that was begun at ``began`` has been taken in."""
        self._complete = True
        self._known_at = max(self._known_at, began)

    def pulse(self, now: float) -> bool:
        """The source said that all is published. Whether that tells anything: not before the snapshot."""
        if self._complete:
            self._known_at = now
        return self._complete

    def lost(self) -> None:
        """News can not arrive any more."""
        self._complete = False
        self._known_at = float("-inf")
