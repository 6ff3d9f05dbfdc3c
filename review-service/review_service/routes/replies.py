"""What others than its author do about a review: the doctor answers it, anybody reports it."""

from chassis.api import DOCTOR, SELF, Api, Reply, etag, expected_version, identity
from chassis.errors import NotFound, TokenInvalid, VersionMismatch
from chassis.headers import ETAG
from review_service.routes.rendering import public
from review_service.schemas import PublicReview, ReplyBody, ReportBody, ReviewId
from review_service.service import Changes


def routes(changes: Changes) -> Api:
    api = Api("replies")

    @api.put(
        "/reviews/<id>/reply",
        access=DOCTOR,
        returns=PublicReview,
        errors=[NotFound, VersionMismatch],
        headers=[ETAG],
        message="Your reply is published.",
    )
    def put_reply(id: ReviewId, body: ReplyBody) -> Reply:
        """Reply to a review of oneself, in place of an earlier reply."""
        review = changes.reply(id, identity().user_id, body.text, expected_version())
        return Reply(public(review), headers=etag(review["version"]))

    @api.delete(
        "/reviews/<id>/reply",
        access=DOCTOR,
        errors=[NotFound, VersionMismatch],
        headers=[ETAG],
        message="There is no reply of yours.",
    )
    def remove_reply(id: ReviewId) -> Reply:
        """Take one's reply back; again is the same as once."""
        review = changes.withdraw_reply(id, identity().user_id, expected_version())
        return Reply(headers=etag(review["version"]))

    @api.post(
        "/reviews/<id>/report",
        access=SELF,
        status=202,
        errors=[NotFound, TokenInvalid],
        message="Thank you: it will be looked at.",
    )
    def report(id: ReviewId, body: ReportBody) -> None:
        """Point the admins to a review; again is the same as once."""
        changes.report(id, identity().user_id, body.reason)

    return api
