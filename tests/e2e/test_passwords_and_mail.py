"""What a mail proves: whose address it is, and who may set a new password."""

import re

import pytest

from devkit.suite import Instance
from tests.client import Gateway, Person, eventually
from tests.post import mails_to

TOKEN = re.compile(r"^[0-9a-f]{32}\.[A-Za-z0-9_-]{43}\s*$", re.MULTILINE)
NEW_PASSWORD = "plum orchard kettle 9"


def tokens_mailed_to(suite: Instance, address: str, about: str) -> list[str]:
    """The tokens in the mails to an address whose subject holds ``about``, the oldest first."""
    found = []
    for mail in mails_to(suite, address):
        if about in str(mail["Subject"]).lower():
            body = mail.get_body()
            found += TOKEN.findall(body.get_content() if body else "")
    return [token.strip() for token in found]


def token_for(suite: Instance, person: Person, about: str) -> str:
    return eventually(f"the mail about {about}", lambda: tokens_mailed_to(suite, person.email, about))[-1]


def test_a_mailed_token_verifies_the_address(gateway: Gateway, suite: Instance) -> None:
    patient = gateway.sign_up("Ann Lee")
    assert patient.get("/users/me").data["emailVerified"] is False
    token = token_for(suite, patient, "confirm")
    gateway.call("POST", "/auth/email/verify", {"token": f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}"}).expect(401)
    gateway.call("POST", "/auth/email/verify", {"token": token}).expect(200)
    eventually("the profile to know", lambda: patient.get("/users/me").data["emailVerified"])


def test_a_mailed_token_sets_a_new_password_once_and_ends_every_session(gateway: Gateway, suite: Instance) -> None:
    patient = gateway.sign_up("Ann Lee")
    known = gateway.call("POST", "/auth/password/forgot", {"email": patient.email}).expect(202)
    unknown = gateway.call("POST", "/auth/password/forgot", {"email": "nobody@clinic.example"}).expect(202)
    assert known.body == unknown.body
    token = token_for(suite, patient, "password")
    weak = {"token": token, "newPassword": "password1234"}
    gateway.call("POST", "/auth/password/reset", weak).expect(422, "VALIDATION_FAILED")
    body = {"token": token, "newPassword": NEW_PASSWORD}
    gateway.call("POST", "/auth/password/reset", body).expect(200)
    gateway.call("POST", "/auth/password/reset", body).expect(401, "RESET_TOKEN_INVALID")
    eventually("the session to be over", lambda: patient.get("/users/me").expect(401, "TOKEN_REVOKED"))
    gateway.call("POST", "/auth/refresh", {"refreshToken": patient.tokens["refreshToken"]}).expect(401)
    patient.log_in().expect(401, "INVALID_CREDENTIALS")
    patient.password = NEW_PASSWORD
    patient.log_in().expect(200)


@pytest.mark.parametrize("path", ["/auth/password/reset", "/auth/email/verify"])
def test_no_token_stands_in_a_log_or_a_database(gateway: Gateway, suite: Instance, path: str) -> None:
    patient = gateway.sign_up("Ann Lee")
    if "reset" in path:
        gateway.call("POST", "/auth/password/forgot", {"email": patient.email}).expect(202)
    token = token_for(suite, patient, "password" if "reset" in path else "confirm")
    body = {"token": token, **({"newPassword": NEW_PASSWORD} if "reset" in path else {})}
    gateway.call("POST", path, body).expect(200)
    secret = token.partition(".")[2]
    for log in (suite.folder / "log").glob("*.log"):
        text = log.read_text(errors="replace")
        assert secret not in text, log.name
        assert NEW_PASSWORD not in text, log.name
