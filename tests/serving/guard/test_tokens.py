"""Access tokens: issue, permissions, expiry, and rejection of forged tokens."""

import base64
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from domain.keys import ApiKey, KeyWish
from domain.policy import Permission, Role
from serving.guard.authentication import INSTALLATION
from serving.guard.tokens import Tokens
from store.access.keys import create_key, revoke_key
from store.db.engine import Engine
from store.facts.load import load
from tests.lib.access_parts import TOKEN_SECRET, Clock, bearer, new_key, resources_of
from tests.lib.api_parts import HEADERS, NOW, marketplace, problem, serving

SCORES = "/api/tutors/ada/scores"
GRANT = {"grant_type": "client_credentials"}

TOKEN_PATH = "/api/oauth/token"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(engine: Engine, clock: Clock) -> Iterator[httpx.Client]:
    load(engine, marketplace())
    with serving(resources_of(engine, clock)) as address, httpx.Client(base_url=address, timeout=20) as client:
        yield client


def _credentials(key: ApiKey, text: str) -> dict[str, str]:
    return {**GRANT, "client_id": key.id, "client_secret": text}


def _token(api: httpx.Client, key: ApiKey, text: str, **more: str) -> dict[str, Any]:
    answer = api.post(TOKEN_PATH, data={**_credentials(key, text), **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_key_is_changed_for_a_token_of_ten_minutes(api: httpx.Client, engine: Engine, clock: Clock) -> None:
    key, text = new_key(engine)
    answer = api.post(TOKEN_PATH, data=_credentials(key, text))
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert body["scope"] == "predictions:make scores:read"
    assert api.get(SCORES, headers=bearer(body["access_token"])).status_code == 200
    problem(api.get("/api/admin/keys", headers=bearer(body["access_token"])), 403, "forbidden")
    clock.go_on(seconds=599)
    assert api.get(SCORES, headers=bearer(body["access_token"])).status_code == 200
    clock.go_on(seconds=1)
    problem(api.get(SCORES, headers=bearer(body["access_token"])), 401, "wrong_key")


@pytest.mark.parametrize("whole", [True, False])
def test_http_basic_does_as_well_with_the_whole_key_or_its_secret(
    api: httpx.Client, engine: Engine, whole: bool
) -> None:
    key, text = new_key(engine)
    secret = text if whole else text.rpartition("_")[2]
    assert api.post(TOKEN_PATH, data=GRANT, auth=(key.id, secret)).status_code == 200
    assert api.post(TOKEN_PATH, data=_credentials(key, secret)).status_code == 200


def test_a_token_may_less_than_its_key_and_never_more(api: httpx.Client, engine: Engine) -> None:
    key, text = new_key(engine)
    narrow = _token(api, key, text, scope="predictions:make")
    assert narrow["scope"] == "predictions:make"
    problem(api.get(SCORES, headers=bearer(narrow["access_token"])), 403, "forbidden")
    for wider in ("admin", "scores:read admin", "nonsense", ""):
        answer = api.post(TOKEN_PATH, data={**_credentials(key, text), "scope": wider})
        assert problem(answer, 400, "invalid_scope")["error"] == "invalid_scope"


def test_a_tutors_token_opens_that_tutor_alone(api: httpx.Client, engine: Engine) -> None:
    token = _token(api, *new_key(engine, Role.TUTOR, "ada"))["access_token"]
    assert api.get(SCORES, headers=bearer(token)).status_code == 200
    problem(api.get("/api/tutors/ben/scores", headers=bearer(token)), 403, "forbidden")


def test_a_token_dies_with_its_key(api: httpx.Client, engine: Engine) -> None:
    key, text = new_key(engine)
    token = _token(api, key, text)["access_token"]
    assert api.get(SCORES, headers=bearer(token)).status_code == 200
    assert api.delete(f"/api/admin/keys/{key.id}", headers=HEADERS).status_code == 204
    problem(api.get(SCORES, headers=bearer(token)), 401, "wrong_key")
    problem(api.post(TOKEN_PATH, data=_credentials(key, text)), 401, "invalid_client")


def test_a_token_does_not_outlive_its_key(api: httpx.Client, engine: Engine, clock: Clock) -> None:
    key, text = new_key(engine, expires_at=NOW + timedelta(minutes=2))
    body = _token(api, key, text)
    assert body["expires_in"] == 120
    clock.go_on(minutes=2)
    problem(api.get(SCORES, headers=bearer(body["access_token"])), 401, "wrong_key")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 401, "invalid_client"),
        ({"client_id": "x"}, 401, "invalid_client"),
        ({"client_id": "x", "client_secret": "y"}, 401, "invalid_client"),
        ({"client_id": "x\x00", "client_secret": "y"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
    ],
)
def test_refusals_carry_the_words_of_rfc_6749(
    api: httpx.Client, engine: Engine, form: dict[str, str], status: int, error: str
) -> None:
    sent = form
    if "grant_type" in form:
        sent = {**_credentials(*new_key(engine)), **form}
    answer = api.post(TOKEN_PATH, data={**GRANT, **sent})
    assert problem(answer, status, error)["error"] == error
    assert answer.headers["cache-control"] == "no-store"
    assert ("basic" in answer.headers.get("www-authenticate", "").lower()) is (status == 401)


@pytest.mark.parametrize(
    ("body", "authorization", "error"),
    [
        (b"grant_type=client_credentials&grant_type=client_credentials", "", "invalid_request"),
        (b"\xff\xfe", "", "invalid_request"),
        (b"no form at all", "", "invalid_request"),
        (b"&".join(b"f%d=1" % n for n in range(50)), "", "invalid_request"),
        (b"grant_type=client_credentials", "Basic !!!", "invalid_client"),
        (b"grant_type=client_credentials", "Basic " + base64.b64encode(b"no colon").decode(), "invalid_client"),
        (b"grant_type=client_credentials", "Bearer abc", "invalid_client"),
        (b"grant_type=client_credentials&client_id=a", "Basic YTpi", "invalid_request"),
    ],
)
def test_a_request_that_is_no_form_or_proves_itself_twice_is_refused(
    api: httpx.Client, body: bytes, authorization: str, error: str
) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = api.post(
        TOKEN_PATH, content=body, headers=headers | ({"authorization": authorization} if authorization else {})
    )
    assert answer.json()["error"] == error


def test_only_a_form_gets_in_here_and_a_form_gets_in_nowhere_else(api: httpx.Client) -> None:
    problem(api.post(TOKEN_PATH, json=GRANT), 415, "not_json")
    problem(api.post("/api/predict/no_show", data=GRANT, headers=HEADERS), 415, "not_json")


# Forged tokens. Each is a valid token of an existing admin key with one defect.

Claims = dict[str, Any]


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _written(header: Mapping[str, Any], claims: object) -> str:
    return f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"


GOOD = {"alg": "HS256", "typ": "at+jwt"}


def _signed(claims: object, header: Mapping[str, Any] = GOOD, secret: str = TOKEN_SECRET, name: str = "sha256") -> str:
    text = _written(header, claims)
    return f"{text}.{_b64(hmac.new(secret.encode(), text.encode(), name).digest())}"


def _rsa(claims: Claims, header: Mapping[str, Any]) -> str:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = _written({**header, "jwk": {"kty": "RSA", "e": "AQAB", "n": "AQAB"}}, claims)
    return f"{text}.{_b64(private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _with_public_key_as_secret(claims: Claims) -> str:
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _signed(claims, secret=pem.decode())


def _swapped_payload(claims: Claims) -> str:
    header, _, signature = _signed(claims).split(".")
    payload = _b64(json.dumps({**claims, "role": "admin", "scope": None}).encode())
    return f"{header}.{payload}.{signature}"


def _without(claims: Claims, name: str) -> Claims:
    return {key: value for key, value in claims.items() if key != name}


TUTOR, NARROW, REVOKED = (name.ljust(8, "-").encode().hex() for name in ("tutor", "narrow", "revoked"))
NOW_S = int(NOW.timestamp())

FORGED: Mapping[str, Callable[[Claims], str]] = {
    "alg none": lambda c: f"{_written({'alg': 'none', 'typ': 'at+jwt'}, c)}.",
    "alg None, signed": lambda c: _signed(c, {"alg": "None", "typ": "at+jwt"}),
    "no alg": lambda c: _signed(c, {"typ": "at+jwt"}),
    "RS256 with a key of its own": lambda c: _rsa(c, {"alg": "RS256", "typ": "at+jwt"}),
    "HS256 with a public key as the secret": _with_public_key_as_secret,
    "HS512 with the right secret": lambda c: _signed(c, {"alg": "HS512", "typ": "at+jwt"}, name="sha512"),
    "another secret": lambda c: _signed(c, secret="another-secret-of-more-than-32-characters"),
    "an empty secret": lambda c: _signed(c, secret=""),
    "no signature": lambda c: _signed(c).rpartition(".")[0] + ".",
    "no third part": lambda c: _signed(c).rpartition(".")[0],
    "half a signature": lambda c: _signed(c)[:-20],
    "a fourth part": lambda c: _signed(c) + ".e30",
    "two dots": lambda c: "..",
    "base64 garbage": lambda c: "!!!.???.***",
    "a NUL in the key's id": lambda c: _signed({**c, "sub": "x\x00"}),
    "a NUL in the header": lambda c: _signed(c, {**GOOD, "typ": "at+jwt\x00"}),
    "a payload that is no object": lambda c: _signed([c]),
    "a payload that is no JSON": lambda c: "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.bm9wZQ.c2ln",
    "a payload changed after signing": _swapped_payload,
    "oversized": lambda c: _signed({**c, "role": "admin" * 2000}),
    "expired": lambda c: _signed({**c, "exp": NOW_S, "iat": NOW_S - 600, "nbf": NOW_S - 600}),
    "not yet valid": lambda c: _signed({**c, "nbf": NOW_S + 60}),
    "made in the future": lambda c: _signed({**c, "iat": NOW_S + 60}),
    "exp as text": lambda c: _signed({**c, "exp": "never"}),
    "exp infinite": lambda c: _signed({**c, "exp": float("inf")}),
    "another audience": lambda c: _signed({**c, "aud": "another-api"}),
    "another issuer": lambda c: _signed({**c, "iss": "https://attacker.example"}),
    "an ID token's type": lambda c: _signed(c, {"alg": "HS256", "typ": "JWT"}),
    "no type": lambda c: _signed(c, {"alg": "HS256"}),
    "a kid that leaves the folder": lambda c: _signed(c, {**GOOD, "kid": "../../../../dev/null"}, secret=""),
    "a kid that is SQL": lambda c: _signed(c, {**GOOD, "kid": "x' UNION SELECT 'secret'--"}, secret="secret"),
    "its own key in the header": lambda c: _signed(
        c, {**GOOD, "jwk": {"kty": "oct", "k": _b64(b"attacker")}}, secret="attacker"
    ),
    "a key set from elsewhere": lambda c: _signed(c, {**GOOD, "jku": "http://127.0.0.1:9/keys"}),
    "an unknown critical header": lambda c: _signed(c, {**GOOD, "crit": ["b64"], "b64": False}),
    "a tutor's key made an admin's": lambda c: _signed({**c, "sub": TUTOR, "role": "admin"}),
    "a tutor's key for another tutor": lambda c: _signed(
        {**c, "sub": TUTOR, "role": "tutor", "tutor_id": "ben", "scope": "scores:read"}
    ),
    "more than a narrow key may": lambda c: _signed({**c, "sub": NARROW, "role": "admin", "scope": "admin"}),
    "all that a narrow key may not": lambda c: _signed({**_without(c, "scope"), "sub": NARROW}),
    "an unknown key": lambda c: _signed({**c, "sub": "nobody"}),
    "a revoked key": lambda c: _signed({**c, "sub": REVOKED}),
    "an unknown role": lambda c: _signed({**c, "role": "king"}),
    "a claim we never make": lambda c: _signed({**c, "admin": True}),
    **{f"no {name}": lambda c, name=name: _signed(_without(c, name)) for name in
       ("iss", "aud", "sub", "exp", "nbf", "iat", "jti", "role")},
}  # fmt: skip


def _fixed_id(name: str) -> Callable[[int], bytes]:
    """Replacement for random bytes that makes the ids of these keys predictable."""
    return lambda size: name.encode().ljust(size, b"-")[:size]


def _kept(engine: Engine, name: str, wish: KeyWish) -> ApiKey:
    return create_key(engine, wish, INSTALLATION, NOW, _fixed_id(name))[0]


def test_no_forged_token_opens_anything(engine: Engine) -> None:
    load(engine, marketplace())
    _kept(engine, "tutor", KeyWish("t", Role.TUTOR, tutor_id="ada"))
    _kept(engine, "narrow", KeyWish("n", Role.ADMIN, frozenset({Permission.SCORES_READ})))
    revoke_key(engine, _kept(engine, "revoked", KeyWish("r", Role.ADMIN)).id, INSTALLATION, NOW)
    good, _ = Tokens(TOKEN_SECRET).make(_kept(engine, "admin", KeyWish("a", Role.ADMIN)).principal, NOW)
    payload = good.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    with serving(resources_of(engine)) as address, httpx.Client(base_url=address, timeout=20) as api:
        assert api.get("/api/admin/keys", headers=bearer(good)).status_code == 200
        assert (
            api.get("/api/admin/keys", headers=bearer(_signed(claims))).status_code == 200
        )  # control: a correctly signed forgery is valid
        let_in = [name for name, forge in FORGED.items() if not _refused_everywhere(api, forge(claims))]
    print(f"{len(FORGED)} forged tokens")
    assert not let_in
    assert len(FORGED) >= 25


def _refused_everywhere(api: httpx.Client, token: str) -> bool:
    answers = [api.get(path, headers=bearer(token)) for path in (SCORES, "/api/tutors/ben/scores", "/api/admin/keys")]
    return all((answer.status_code, answer.json()["code"]) == (401, "wrong_key") for answer in answers)
