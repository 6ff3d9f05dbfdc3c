"""The only rooms that talk to auth-service's database: one for each collection, with its documents and indexes."""

from auth_service.store import credentials, sessions
from chassis import audit, inbox, tombstones

OUTBOXES = (credentials.COLLECTION, audit.COLLECTION, tombstones.COLLECTION)

INDEXES = {
    credentials.COLLECTION: credentials.INDEXES,
    sessions.COLLECTION: sessions.INDEXES,
    audit.COLLECTION: audit.INDEXES,
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}
