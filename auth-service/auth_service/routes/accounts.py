"""Signing up and in."""

from auth_service import errors
from auth_service.routes.device import device
from auth_service.schemas import LoginBody, RecoverBody, SignupBody, Tokens
from auth_service.service import Service
from chassis.api import PUBLIC, Api
from chassis.mongo import Document


def routes(service: Service) -> Api:
    api = Api("accounts")

    @api.post(
        "/auth/signup",
        access=PUBLIC,
        status=201,
        returns=Tokens,
        errors=[errors.EmailTaken, errors.TooManyAttempts],
        message="Your account is ready.",
    )
    def sign_up(body: SignupBody) -> Document:
        """Make an account and sign in."""
        return service.accounts.sign_up(
            email=body.email,
            password=body.password,
            name=body.name,
            role=body.role,
            device=device(body.device_name),
        )

    @api.post(
        "/auth/login",
        access=PUBLIC,
        returns=Tokens,
        errors=[
            errors.InvalidCredentials,
            errors.TooManyAttempts,
            errors.AccountDeleted,
            errors.AccountSuspended,
        ],
        message="Signed in.",
    )
    def log_in(body: LoginBody) -> Document:
        """Open a session on this device."""
        return service.accounts.log_in(body.email, body.password, device(body.device_name))

    @api.post(
        "/auth/recover",
        access=PUBLIC,
        returns=Tokens,
        errors=[
            errors.InvalidCredentials,
            errors.TooManyAttempts,
            errors.AccountSuspended,
            errors.NotDeleted,
            errors.NotRecoverable,
        ],
        message="Your account is back.",
    )
    def recover(body: RecoverBody) -> Document:
        """Bring a deleted account back within its window, and sign in."""
        return service.accounts.recover(body.email, body.password, device())

    return api
