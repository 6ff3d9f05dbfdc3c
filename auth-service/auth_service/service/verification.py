"""Whether mail to an account's address arrives: shown by a token that was mailed there."""

from collections.abc import Callable
from datetime import datetime

from pymongo.client_session import ClientSession

from auth_service import events
from auth_service.errors import VerificationTokenInvalid
from auth_service.one_time_tokens import Purpose
from auth_service.service.one_time_tokens import OneTimeTokens
from auth_service.service.throttle import Throttle
from auth_service.store.credentials import Credentials
from chassis.errors import TokenInvalid
from chassis.mongo import Database
from chassis.tombstones import Tombstones


class Verification:
    """Asks for the mails, and takes the tokens back."""

    def __init__(
        self,
        database: Database,
        *,
        credentials: Credentials,
        tokens: OneTimeTokens,
        tombstones: Tombstones,
        throttle: Throttle,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._credentials = credentials
        self._tokens = tokens
        self._tombstones = tombstones
        self._throttle = throttle
        self._now = clock

    def request(self, user_id: str) -> None:
        """Ask for a mail once more, three in an hour at most; nothing if the address is verified."""
        credential = self._credentials.find(user_id)
        if credential is None:
            raise TokenInvalid
        if credential.get("emailVerified") or not self._throttle.may_mail(Purpose.VERIFY, credential["email"]):
            return

        def work(session: ClientSession) -> None:
            if self._tombstones.are_live([user_id], session):
                self._tokens.request(Purpose.VERIFY, user_id, session)

        self._database.transact(work)

    def verify(self, text: str) -> None:
        """Mark the address as verified; again is the same as once, since people click twice.

        Raises VerificationTokenInvalid.
        """
        document = self._tokens.presented(Purpose.VERIFY, text)
        credential = self._credentials.find(document["userId"]) if document else None
        if not document or not credential:
            raise VerificationTokenInvalid
        self._credentials.set_verified(credential["_id"], events.email_verified(credential, self._now()))
        self._tokens.use(document)
