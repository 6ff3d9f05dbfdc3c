"""What the gateway reads from its environment."""

from typing import Annotated

from pydantic import Field

from chassis.config import BaseConfig

ServiceUrl = Annotated[str, Field(pattern=r"^http://[A-Za-z0-9._\[\]:-]+/?$")]
"""``http://host[:port]``: the services are reached on a private network, by name."""


class Config(BaseConfig):
    auth_service_url: ServiceUrl = Field(description="Where auth-service listens.")
    user_service_url: ServiceUrl = Field(description="Where user-service listens.")
    doctor_service_url: ServiceUrl = Field(description="Where doctor-service listens.")
    appointment_service_url: ServiceUrl = Field(description="Where appointment-service listens.")
    review_service_url: ServiceUrl = Field(description="Where review-service listens.")
    scheduler_service_url: ServiceUrl = Field(description="Where scheduler-service listens.")
    # it holds a password, so it is not shown where a configuration is printed
    amqp_url: str = Field(description="RabbitMQ broker, to hear of revocations.", pattern=r"^amqps?://", repr=False)
    upstream_timeout_seconds: float = Field(15, gt=0, le=60, description="Longest wait for a service's whole answer.")

    def services(self) -> dict[str, str]:
        """{service: its URL}."""
        return {
            "auth-service": self.auth_service_url,
            "user-service": self.user_service_url,
            "doctor-service": self.doctor_service_url,
            "appointment-service": self.appointment_service_url,
            "review-service": self.review_service_url,
            "scheduler-service": self.scheduler_service_url,
        }
