"""Whether a verified token still counts: by what is known here while that is fresh, else by asking."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import quote

from prometheus_client import Counter

from chassis.errors import ServiceUnavailable, TokenRevoked
from chassis.identity import Identity
from gateway.revocations import Freshness, Revocations
from gateway.upstream import Upstream

REFUSED = Counter("gateway_revoked_tokens_refused", "Requests refused for a revoked token.", ["known_by"])
QUESTIONS = Counter("gateway_revocation_questions", "Asked while news may be late.", ["service", "answer"])

_ASKING_SECONDS = 2.0
_ANSWER_STANDS_SECONDS = 1.0
_MOST_ANSWERS = 10_000


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it was asked at ``at``; its answer is None where there was none to be had."""

    at: float
    answer: "Future[bool | None]" = field(default_factory=Future)

    def is_over(self, now: float) -> bool:
        """Whether to ask anew. One under way is joined, however long ago it began: it will time out."""
        return self.answer.done() and now - self.at >= _ANSWER_STANDS_SECONDS


class Questions:
    """Asks a service about one id at a time; an answer stands for a second, and so does having got none."""

    def __init__(self, upstream: Upstream, path: str, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._upstream = upstream
        self._path = path
        self._name = name
        self._clock = clock
        # the oldest first
        self._asked: dict[str, Question] = {}
        self._lock = Lock()

    @property
    def service(self) -> str:
        return self._upstream.name

    def __len__(self) -> int:
        return len(self._asked)

    def ask(self, identifier: str) -> bool:
        """The answer, at most a second old. Raises ServiceUnavailable if there is none to be had."""
        now = self._clock()
        mine = None
        with self._lock:
            asked = self._asked.get(identifier)
            if asked is None or asked.is_over(now):
                asked = mine = self._remember(identifier, now)
        if mine:
            self._put(identifier, mine.answer)
        told = asked.answer.result()
        if told is None:
            raise ServiceUnavailable
        return told

    def _remember(self, identifier: str, now: float) -> Question:
        self._asked.pop(identifier, None)
        while self._asked:
            oldest = next(iter(self._asked))
            if len(self._asked) < _MOST_ANSWERS and not self._asked[oldest].is_over(now):
                break
            del self._asked[oldest]
        asked = self._asked[identifier] = Question(now)
        return asked

    def _put(self, identifier: str, answer: "Future[bool | None]") -> None:
        told = None
        try:
            content = self._upstream.read_json(f"{self._path}/{quote(identifier, safe='')}", _ASKING_SECONDS)
            if isinstance(content[self._name], bool):
                told = content[self._name]
        except (ServiceUnavailable, LookupError, TypeError):
            pass  # the upstream has logged it
        finally:
            # also if this greenlet is ended: the others must not wait for it for ever
            answer.set_result(told)
            QUESTIONS.labels(self.service, {True: "yes", False: "no", None: "none"}[told]).inc()


@dataclass(frozen=True, slots=True)
class Watched:
    """One source of news, and how to do without it."""

    freshness: Freshness
    questions: Questions

    def vouches_for(self, identifier: str, now: float) -> bool:
        return not self.freshness.is_stale(now) or self.questions.ask(identifier)


class Admission:
    """Decides on each request with a token: two dictionary reads, two comparisons while the news is fresh."""

    def __init__(self, revocations: Revocations, sessions: Watched, accounts: Watched) -> None:
        self._revocations = revocations
        self._sessions = sessions
        self._accounts = accounts

    def check(self, identity: Identity) -> None:
        """Return if the session goes on. Raises TokenRevoked, or ServiceUnavailable if that is not known."""
        if self._revocations.is_revoked(identity):
            _refuse("memory")
        now = time.monotonic()
        if not self._sessions.vouches_for(identity.session_id, now):
            _refuse(self._sessions.questions.service)
        if not self._accounts.vouches_for(identity.user_id, now):
            _refuse(self._accounts.questions.service)


def _refuse(known_by: str) -> None:
    REFUSED.labels(known_by).inc()
    raise TokenRevoked
