"""Verifying the address of an account."""

from auth_service import errors
from auth_service.schemas import Verified, VerifyEmailBody
from auth_service.service import Service
from chassis.api import PUBLIC, SELF, Api, identity


def routes(service: Service) -> Api:
    api = Api("verification")

    @api.post(
        "/auth/email/verify",
        access=PUBLIC,
        returns=Verified,
        errors=[errors.VerificationTokenInvalid],
        message="Your address is verified.",
    )
    def verify_email(body: VerifyEmailBody) -> dict[str, bool]:
        """Show that mail arrives, with the token that was mailed; again is the same as once."""
        service.verification.verify(body.token)
        return {"emailVerified": True}

    @api.post("/auth/email/resend", access=SELF, status=202, message="If it is needed, a mail is on its way.")
    def resend_verification() -> None:
        """Have the token mailed once more, unless the address is verified."""
        service.verification.request(identity().user_id)

    return api
