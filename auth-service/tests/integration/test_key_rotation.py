"""Secrets and keys change, and nobody is signed out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from people import People
from pydantic import SecretStr

from auth_service.app import create_app
from auth_service.bootstrap import Built, make_service
from auth_service.errors import RefreshTokenInvalid, RefreshTokenReused
from auth_service.service.sessions import Sessions
from chassis.clock import now
from chassis.errors import TokenInvalid
from chassis.keys import private_key, public_keys
from chassis.tokens import TokenVerifier
from devkit.testing import JWT_REFRESH_SECRET, JWT_SECRET

OLD, NEW, NEWER = (
    SecretStr(text) for text in (JWT_REFRESH_SECRET, "Xk2!rotated-5c1de7a40b9836f2", "Wm9!twice-8d30b6e5f1a7c294")
)

Sessioned = Callable[..., Sessions]


def with_config(built: Built, **changed: Any) -> Built:
    """The service as a process with another configuration runs it."""
    config = built.config.model_copy(update=changed)
    return replace(built, config=config, service=make_service(config, built.database, now))


@pytest.fixture
def after(built: Built) -> Sessioned:
    """The sessions of a process that has these refresh secrets, the present one first."""

    def make(*secrets: SecretStr) -> Sessions:
        changed = {"jwt_refresh_secret": secrets[0], "jwt_previous_refresh_secrets": secrets[1:]}
        return with_config(built, **changed).service.sessions

    return make


def renew(sessions: Sessions, token: str) -> str:
    renewed: str = sessions.refresh(token)["refreshToken"]
    return renewed


def test_a_session_goes_over_to_the_new_refresh_secret_and_needs_the_old_one_no_more(
    people: People, after: Sessioned
) -> None:
    renewed = renew(after(NEW, OLD), people.sign_up()["refreshToken"])
    assert renew(after(NEW), renewed)


def test_two_changes_of_the_secret_one_after_the_other(people: People, after: Sessioned) -> None:
    first = people.sign_up()["refreshToken"]
    second = renew(after(NEW, OLD), first)
    third = renew(after(NEWER, NEW, OLD), second)
    with pytest.raises(RefreshTokenReused):
        after(NEWER, NEW, OLD).refresh(first)
    with pytest.raises(RefreshTokenInvalid):
        after(NEWER).refresh(third)


def test_processes_that_do_not_agree_yet_which_secret_is_the_present_one(people: People, after: Sessioned) -> None:
    early, late = after(NEW, OLD), after(OLD, NEW)
    first = people.sign_up()["refreshToken"]
    second = renew(early, first)
    # the same token comes to the other process, again within the grace
    assert renew(late, first) == second
    third = renew(late, second)
    assert renew(early, second) == third
    fourth = renew(early, third)
    with pytest.raises(RefreshTokenReused):
        late.refresh(first)
    with pytest.raises(RefreshTokenInvalid):
        early.refresh(fourth)


def test_a_copy_of_a_token_of_before_the_change_still_ends_the_session(people: People, after: Sessioned) -> None:
    stolen = people.sign_up()["refreshToken"]
    second = renew(after(OLD), stolen)
    third = renew(after(NEW, OLD), second)
    with pytest.raises(RefreshTokenReused):
        after(NEW, OLD).refresh(stolen)
    with pytest.raises(RefreshTokenInvalid):
        after(NEW, OLD).refresh(third)


def test_a_token_whose_secret_was_removed_is_unknown_and_ends_nothing(people: People, after: Sessioned) -> None:
    first = people.sign_up()["refreshToken"]
    third = renew(after(NEW, OLD), renew(after(OLD), first))
    with pytest.raises(RefreshTokenInvalid):
        after(NEW).refresh(first)
    assert renew(after(NEW), third)


def test_a_session_of_before_keys_had_ids_goes_over_too(people: People, built: Built, after: Sessioned) -> None:
    account = people.sign_up()
    built.database["sessions"].update_one({"_id": account["sessionId"]}, {"$unset": {"keys": 1}})
    renewed = renew(after(NEW, OLD), account["refreshToken"])
    assert renew(after(NEW, OLD), account["refreshToken"]) == renewed
    assert renew(after(NEW), renewed)


@pytest.mark.parametrize("gone_over", [False, True])
def test_a_session_of_before_keys_had_ids_is_still_guarded_against_copies(
    people: People, built: Built, after: Sessioned, gone_over: bool
) -> None:
    account = people.sign_up()
    current = renew(after(OLD), renew(after(OLD), account["refreshToken"]))
    built.database["sessions"].update_one({"_id": account["sessionId"]}, {"$unset": {"keys": 1}})
    if gone_over:
        current = renew(after(NEW, OLD), current)
    with pytest.raises(RefreshTokenReused):
        after(NEW, OLD).refresh(account["refreshToken"])
    with pytest.raises(RefreshTokenInvalid):
        after(NEW, OLD).refresh(current)


# access tokens


def pem(key: Any) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    text: str = key.private_bytes(*form).decode()
    return text


def public_pem(key: Any) -> str:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    text: str = key.public_key().public_bytes(*form).decode()
    return text


def accepted(built: Built, tokens: dict[str, Any]) -> bool:
    people = People(create_app(built).test_client(), built)
    return people.client.get("/api/v1/auth/sessions", headers=people.bearer(tokens)).status_code == 200


def test_the_secret_of_access_tokens_changes_and_those_that_are_out_go_on(people: People, built: Built) -> None:
    before = people.sign_up()
    changed = with_config(
        built, jwt_secret=SecretStr("Vn4!rotated-2e7f905b3c18d6a4-7719"), jwt_previous_secrets=(SecretStr(JWT_SECRET),)
    )
    renewed = changed.service.sessions.refresh(before["refreshToken"])
    assert accepted(changed, before)
    assert accepted(changed, renewed)
    assert not accepted(built, renewed)
    assert not accepted(with_config(changed, jwt_previous_secrets=()), before)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(ed25519.Ed25519PrivateKey.generate(), "EdDSA"), (rsa.generate_private_key(65537, 2048), "RS256")],
    ids=["EdDSA", "RS256"],
)
def test_from_a_shared_secret_to_a_key_pair_nobody_is_signed_out(
    people: People, built: Built, key: Any, algorithm: str
) -> None:
    before = people.sign_up()
    changed = with_config(built, jwt_private_key=private_key(pem(key)))
    renewed = changed.service.sessions.refresh(before["refreshToken"])
    assert jwt.get_unverified_header(renewed["accessToken"])["alg"] == algorithm
    assert accepted(changed, before)
    assert accepted(changed, renewed)
    # another service knows the public half alone: what the secret signed is nothing to it
    elsewhere = TokenVerifier(public_keys(public_pem(key)))
    assert elsewhere.verify(renewed["accessToken"]).session_id == before["sessionId"]
    with pytest.raises(TokenInvalid):
        elsewhere.verify(before["accessToken"])
