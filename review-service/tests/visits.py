"""A completed appointment, as the tests hold it."""

from dataclasses import dataclass

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from devkit.testing import bearer


@dataclass(frozen=True)
class Visit:
    """A completed appointment."""

    id: str
    doctor_id: str
    patient_id: str

    def review(self, client: FlaskClient, rating: int = 5, *, name: str = "Ann Lee", **fields: object) -> TestResponse:
        """Post the patient's review of it."""
        body = {"rating": rating, **fields}
        return client.post(
            f"/api/v1/appointments/{self.id}/review", json=body, headers=bearer(self.patient_id, name=name)
        )
