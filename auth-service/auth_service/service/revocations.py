"""The one way in which sessions end: with a revocation that every gateway process hears of."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from pymongo.client_session import ClientSession

from auth_service import events
from auth_service.domain import Reason
from auth_service.store.revocations import Revocations as Store
from auth_service.store.sessions import Sessions
from chassis.clock import new_id
from chassis.mongo import Document

_MARGIN = timedelta(minutes=1)
"""An access token may be minted from what was read just before its session ended; and clocks differ."""

_LONGEST_LIST = 1000


class Revocations:
    """Ends sessions, and tells of it in the same transaction."""

    def __init__(
        self, *, revocations: Store, sessions: Sessions, access_lifetime: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self._store = revocations
        self._sessions = sessions
        self._memory = access_lifetime + _MARGIN
        self._now = clock

    def revoke(
        self, session_ids: list[str], user_id: str, reason: Reason, session: ClientSession, role: str | None = None
    ) -> bool:
        """End those of the user's sessions that are live; whether there was any.

        ``role`` is the user's who ends them, None where nobody does it for himself.
        """
        now = self._now()
        until = now + self._memory
        ended = self._sessions.revoke(session_ids, user_id, reason, now, until, session)
        for start in range(0, len(ended), _LONGEST_LIST):
            revocation: Document = {
                "_id": new_id(),
                "userId": user_id,
                "sessionIds": ended[start : start + _LONGEST_LIST],
                "reason": reason,
                "at": now,
                "until": until,
            }
            announced = [events.session_revoked(revocation), events.sessions_ended(revocation, role)]
            self._store.add({**revocation, "outbox": announced}, session)
        return bool(ended)

    def in_force(self) -> dict[str, float]:
        """{session id: until, seconds since 1970} of all ended sessions whose access tokens may still be out."""
        return {one: until.timestamp() for one, until in self._store.in_force(self._now()).items()}

    def take_over(self, in_force: Mapping[str, float]) -> None:
        """Keep what was ``in_force`` in another state of the database, of which this one knows nothing.

        It is not announced: that is for who starts with this state, the gateways above all.
        """
        ended, now = list(in_force), self._now()
        for start in range(0, len(ended), _LONGEST_LIST):
            some = ended[start : start + _LONGEST_LIST]
            until = datetime.fromtimestamp(max(in_force[one] for one in some), UTC)
            fields = {"userId": None, "sessionIds": some, "reason": Reason.RESTORED, "at": now, "until": until}
            self._store.add({"_id": new_id(), **fields, "outbox": []})

    def of(self, user_id: str) -> list[Document]:
        return self._store.of(user_id)

    def erase(self, user_id: str, session: ClientSession) -> None:
        """Delete what names the user. Who asks about an erased account is told so by user-service."""
        self._store.erase(user_id, session)
