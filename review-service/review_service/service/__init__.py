"""review-service's use cases."""

from review_service.service.changes import Changes
from review_service.service.moderation import Moderation
from review_service.service.reviews import Held, ReviewService

__all__ = ["Changes", "Held", "Moderation", "ReviewService"]
