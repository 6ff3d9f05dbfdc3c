"""doctor-service's documents, indexes and questions.

doctors: {_id: userId, name, nameVersion, specialty, bio, qualifications, languages, experienceYears,
          fee: {hundredths, currency}|null, clinic: {name, address, city, country}|null, photoUrl,
          moderationStatus, moderationReason, moderationHistory: [{status, at, by, reason?}],
          visible, accepting, active, statusVersion, listed, rating: {average, count, version}, followers,
          nextAvailable: {start: instant|null, version}|null (absent where an earlier version wrote),
          availability: {timezone, slotMinutes, ..., weekly: [{weekday, from, to}]}|null,
          overrides: [{date, windows: [{from, to}], reason}],
          search: {name, specialty, city, languages, fee, words, keys}, createdAt, updatedAt, version, outbox}
follows: {_id: "<patient>:<doctor>", patientId, doctorId, at}

``nameVersion`` and ``statusVersion`` are versions of user-service's document, the source of name and active.
``listed`` and ``search`` are derived with each write; ``search.specialty``, ``.city`` and ``.languages`` are what the
version before the keys goes by, while both run. ``rating``, ``followers`` and ``nextAvailable`` change without a new
``version``: the doctor did not change.
"""

from chassis import audit, inbox, tombstones
from doctor_service.store.doctors import DOCTOR_INDEXES, DOCTORS, DoctorStore
from doctor_service.store.follows import FOLLOW_INDEXES, FOLLOWS, FollowStore
from doctor_service.store.projected import ProjectedStore
from doctor_service.store.search import ORDERS

__all__ = ["DOCTORS", "FOLLOWS", "INDEXES", "ORDERS", "OUTBOXES", "DoctorStore", "FollowStore", "ProjectedStore"]

OUTBOXES = (DOCTORS, audit.COLLECTION, tombstones.COLLECTION)

INDEXES = {
    DOCTORS: DOCTOR_INDEXES,
    FOLLOWS: FOLLOW_INDEXES,
    audit.COLLECTION: audit.INDEXES,
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}
