"""Changing and resetting a password."""

from flask import request

from auth_service import errors
from auth_service.schemas import ChangePasswordBody, ForgotPasswordBody, ResetPasswordBody
from auth_service.service import Service
from chassis.api import PUBLIC, SELF, Api, identity


def routes(service: Service) -> Api:
    api = Api("passwords")

    @api.post(
        "/auth/password",
        access=SELF,
        errors=[errors.InvalidCredentials, errors.TooManyAttempts],
        message="Your password is changed; other devices are signed out.",
    )
    def change_password(body: ChangePasswordBody) -> None:
        """Change the password, and end every other session."""
        who = identity()
        service.passwords.change(
            who.user_id, who.session_id, body.current_password, body.new_password, request.remote_addr
        )

    @api.post(
        "/auth/password/forgot",
        access=PUBLIC,
        status=202,
        errors=[errors.TooManyAttempts],
        message="If there is an account with this address, a mail is on its way.",
    )
    def forgot_password(body: ForgotPasswordBody) -> None:
        """Have a token for a new password mailed; the answer does not tell whether there is an account."""
        service.passwords.request_reset(body.email, request.remote_addr)

    @api.post(
        "/auth/password/reset",
        access=PUBLIC,
        errors=[errors.ResetTokenInvalid, errors.TooManyAttempts],
        message="Your password is set: sign in with it.",
    )
    def reset_password(body: ResetPasswordBody) -> None:
        """Set a new password with a token that was mailed, and end every session."""
        service.passwords.reset(body.token, body.new_password, request.remote_addr)

    return api
