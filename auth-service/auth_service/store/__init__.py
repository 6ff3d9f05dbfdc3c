"""The only rooms that talk to auth-service's database: one for each collection, with its documents and indexes."""

from auth_service.store import attempts, credentials, one_time_tokens, revocations, sessions
from chassis import audit, inbox, tombstones

# revocations first: what a thief may no longer do is told before anything else
OUTBOXES = (
    revocations.COLLECTION,
    credentials.COLLECTION,
    one_time_tokens.COLLECTION,
    audit.COLLECTION,
    tombstones.COLLECTION,
)

INDEXES = {
    credentials.COLLECTION: credentials.INDEXES,
    sessions.COLLECTION: sessions.INDEXES,
    one_time_tokens.COLLECTION: one_time_tokens.INDEXES,
    attempts.COLLECTION: attempts.INDEXES,
    revocations.COLLECTION: revocations.INDEXES,
    audit.COLLECTION: audit.INDEXES,
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}
