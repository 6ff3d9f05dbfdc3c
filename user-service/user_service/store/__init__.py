"""The only rooms that talk to user-service's database: one for each collection, with its documents and indexes."""

from chassis import inbox, tombstones
from user_service.store import audit, erasures, patients, relations, users, verifications

OUTBOXES = (users.COLLECTION, erasures.COLLECTION, tombstones.COLLECTION)

INDEXES = {
    users.COLLECTION: users.INDEXES,
    verifications.COLLECTION: [],
    relations.COLLECTION: relations.INDEXES,
    erasures.COLLECTION: erasures.INDEXES,
    audit.COLLECTION: audit.INDEXES,
    patients.COLLECTION: [],
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}
