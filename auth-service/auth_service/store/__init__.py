"""The only rooms that talk to auth-service's database: one for each collection, with its documents and indexes."""

from auth_service.store import attempts, credentials, one_time_tokens, sessions
from chassis import audit, inbox, tombstones

OUTBOXES = (credentials.COLLECTION, one_time_tokens.COLLECTION, audit.COLLECTION, tombstones.COLLECTION)

INDEXES = {
    credentials.COLLECTION: credentials.INDEXES,
    sessions.COLLECTION: sessions.INDEXES,
    one_time_tokens.COLLECTION: one_time_tokens.INDEXES,
    attempts.COLLECTION: attempts.INDEXES,
    audit.COLLECTION: audit.INDEXES,
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}
