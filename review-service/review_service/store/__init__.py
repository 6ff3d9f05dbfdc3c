"""review-service's documents, indexes and questions.

reviews: {_id, appointmentId, doctorId, patientId, rating, comment, author, createdAt, updatedAt, version,
          reply: {text, at}|null, hidden: {reason, at, by}|null, reports: [{by, reason, at}], reported: true|null,
          deletedAt?, outbox}
visits:  {_id: appointmentId, doctorId, patientId, completedVersion?, noShowVersion?, reviewedAt?}
doctors: {_id: doctorId, listed, version}
ratings: {_id: doctorId, count, sum, histogram: {"1".."5": n}, version}

``doctorId`` and ``patientId`` of a review are null once that person was erased; ``by`` of a report and of ``hidden``
likewise. ``reply``, ``hidden``, ``reports`` and
``reported`` are absent from what an earlier version wrote, which says null and
none. Of a deleted review stay ``appointmentId``, the times, ``version`` and what is still to be announced: with a
``rating`` of null it is in no list. ``completedVersion`` and ``noShowVersion`` are the appointment's newest version
that said so, and the higher one holds; ``doctors.version`` is doctor-service's; a rating's ``version`` is its own.
"""

from chassis import inbox, tombstones
from review_service.store.projected import ProjectedStore
from review_service.store.reviews import ONE_PER_APPOINTMENT, REVIEW_INDEXES, REVIEWS, SORT_KEYS, ReviewStore
from review_service.store.standing import DOCTORS, RATINGS, VISIT_INDEXES, VISITS, StandingStore

__all__ = [
    "DOCTORS",
    "INDEXES",
    "ONE_PER_APPOINTMENT",
    "OUTBOXES",
    "RATINGS",
    "REVIEWS",
    "SORT_KEYS",
    "VISITS",
    "ProjectedStore",
    "ReviewStore",
    "StandingStore",
]

OUTBOXES = (REVIEWS, tombstones.COLLECTION)

INDEXES = {
    REVIEWS: REVIEW_INDEXES,
    VISITS: VISIT_INDEXES,
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}
