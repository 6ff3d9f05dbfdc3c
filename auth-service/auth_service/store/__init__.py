"""The only rooms that talk to auth-service's database: one for each collection, with its documents and indexes."""

from auth_service.store import credentials, sessions
from chassis import inbox, tombstones

OUTBOXES = (credentials.COLLECTION, tombstones.COLLECTION)

INDEXES = {
    credentials.COLLECTION: credentials.INDEXES,
    sessions.COLLECTION: sessions.INDEXES,
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}
