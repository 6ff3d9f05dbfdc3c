"""What auth-service reads from its environment."""

from pydantic import EmailStr, Field, SecretStr, ValidationInfo, field_validator

from chassis.config import DataConfig, PrivateKey, Secret, Secrets
from chassis.keys import Key, secret_key

LEAST_MEMORY_KIB = {1: 47_104, 2: 19_456, 3: 12_288, 4: 9_216, 5: 7_168}
"""By passes: what OWASP's Password Storage Cheat Sheet holds for equally safe, and nothing below for safe."""


class Config(DataConfig):
    jwt_refresh_secret: Secret = Field(description="Key under which refresh tokens are hashed and derived.")
    jwt_previous_refresh_secrets: Secrets = Field(
        (), description="Values that JWT_REFRESH_SECRET had: what was made under them still works."
    )
    jwt_private_key: PrivateKey | None = Field(
        None, description="Key that access tokens are signed with (Ed25519 or RSA): PEM, or a file's path."
    )
    argon2_time_cost: int = Field(2, ge=1, le=20, description="Passes of a password's hash (argon2id).")
    argon2_memory_kib: int = Field(19 * 1024, le=1024 * 1024, description="Memory of a password's hash.")
    argon2_parallelism: int = Field(1, ge=1, le=16, description="Lanes of a password's hash.")
    rate_limits: bool = Field(True, description="Whether guessing passwords and asking for mails is slowed down.")
    access_token_minutes: float = Field(15, gt=0, le=60, description="Lifetime of an access token.")
    refresh_token_days: float = Field(30, gt=0, le=365, description="Lifetime of a refresh token.")
    admin_email: EmailStr | None = Field(None, description="The first admin, made when there is none yet.")
    admin_password: SecretStr | None = Field(None, min_length=12, max_length=128, description="That admin's password.")

    @field_validator("argon2_memory_kib")
    @classmethod
    def _hashes_well(cls, kib: int, info: ValidationInfo) -> int:
        passes = info.data.get("argon2_time_cost", max(LEAST_MEMORY_KIB))
        least = LEAST_MEMORY_KIB[min(passes, max(LEAST_MEMORY_KIB))]
        if kib < least:
            raise ValueError(f"must be {least} or more with ARGON2_TIME_COST={passes}")
        return kib

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

    def refresh_secrets(self) -> tuple[str, ...]:
        """The secrets that refresh tokens are accepted under, the present one first."""
        return tuple(item.get_secret_value() for item in (self.jwt_refresh_secret, *self.jwt_previous_refresh_secrets))

    def verification_keys(self) -> tuple[Key, ...]:
        own = (self.jwt_private_key,) if self.jwt_private_key else ()
        return (*super().verification_keys(), *own)
