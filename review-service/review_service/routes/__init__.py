"""review-service's routes: parse, call, render."""

from chassis.api import Api
from review_service.routes import moderation, replies, reviews
from review_service.service import Changes, Moderation, ReviewService


def routes(service: ReviewService, changes: Changes, decisions: Moderation) -> list[Api]:
    return [reviews.routes(service, changes), replies.routes(changes), moderation.routes(decisions)]
