"""What auth-service reads from its environment."""

from pydantic import EmailStr, Field, SecretStr

from chassis.config import DataConfig, Secret


class Config(DataConfig):
    jwt_refresh_secret: Secret = Field(description="Key under which refresh tokens are hashed and derived.")
    access_token_minutes: float = Field(15, gt=0, le=60, description="Lifetime of an access token.")
    refresh_token_days: float = Field(30, gt=0, le=365, description="Lifetime of a refresh token.")
    admin_email: EmailStr | None = Field(None, description="The first admin, made when there is none yet.")
    admin_password: SecretStr | None = Field(None, min_length=12, max_length=128, description="That admin's password.")
