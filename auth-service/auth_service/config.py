"""What auth-service reads from its environment."""

from pydantic import EmailStr, Field, SecretStr, ValidationInfo, field_validator

from chassis.config import DataConfig, PrivateKey, Secret
from chassis.keys import Key, secret_key


class Config(DataConfig):
    jwt_refresh_secret: Secret = Field(description="Key under which refresh tokens are hashed and derived.")
    jwt_private_key: PrivateKey | None = Field(
        None, description="Key that access tokens are signed with (Ed25519 or RSA): PEM, or a file's path."
    )
    access_token_minutes: float = Field(15, gt=0, le=60, description="Lifetime of an access token.")
    refresh_token_days: float = Field(30, gt=0, le=365, description="Lifetime of a refresh token.")
    admin_email: EmailStr | None = Field(None, description="The first admin, made when there is none yet.")
    admin_password: SecretStr | None = Field(None, min_length=12, max_length=128, description="That admin's password.")

    @field_validator("jwt_private_key")
    @classmethod
    def _can_sign(cls, key: Key | None, info: ValidationInfo) -> Key | None:
        if key is None and info.data.get("jwt_secret", "wrong") is None:
            raise ValueError("must be set, unless JWT_SECRET is")
        return key

    def signing_key(self) -> Key:
        """The key that access tokens are signed with: the private one if there is one, else the shared secret."""
        if self.jwt_private_key:
            return self.jwt_private_key
        assert self.jwt_secret is not None  # `_can_sign` saw to it
        return secret_key(self.jwt_secret.get_secret_value())

    def verification_keys(self) -> tuple[Key, ...]:
        own = (self.jwt_private_key,) if self.jwt_private_key else ()
        return (*super().verification_keys(), *own)
