"""JSON Web Tokens: what is proven, what is not, and how keys come and go."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from certificates import Authority
from greenroomd.domain.errors import Unauthenticated
from greenroomd.domain.principal import Grants
from greenroomd.identity.claimed_grants import ClaimedGrants
from greenroomd.identity.jwt_bearers import LEEWAY, MOST_BYTES, JwtBearers
from greenroomd.identity.key_sources import from_file, from_url
from greenroomd.identity.keys_unusable import KeysUnusable
from greenroomd.identity.signing_keys import SigningKeys, parse_keys
from unit.identity.issuer import AUDIENCE, ISSUER, key_set, private_key, public_jwk, token

LONG = timedelta(hours=1)
NOW = datetime.now(UTC)
"""When this file was read, which may be minutes before its tests run."""


class Published:
    """What an issuer has published, and how often it was asked."""

    def __init__(self, *jwks: dict[str, Any]) -> None:
        self.raw: bytes | None = key_set(*jwks)
        self.asked = 0

    async def load(self) -> bytes:
        self.asked += 1
        await asyncio.sleep(0)
        if self.raw is None:
            raise KeysUnusable("the issuer is away")
        return self.raw


def bearers(keys: SigningKeys, grants: ClaimedGrants | None = None) -> JwtBearers:
    found = grants or ClaimedGrants("greenroom_grants", {})
    return JwtBearers(keys, issuer=ISSUER, audience=AUDIENCE, grants=found)


async def known(*jwks: dict[str, Any]) -> JwtBearers:
    """Return the bearers of tokens that are signed with these keys, by default one of each kind."""
    usual = [public_jwk(kind) for kind in ("P-256", "P-384", "P-521", "2048", "Ed25519")]
    keys = SigningKeys(Published(*(jwks or usual)).load, refresh=LONG, patience=LONG)
    await keys.read()
    return bearers(keys)


async def problem(who: JwtBearers, presented: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await who.principal(presented)
    return refused.value.problem


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        *(("2048", name) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        ("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("Ed25519", "EdDSA"),
    ],
)  # fmt: skip
async def test_each_algorithm_with_its_key_is_proven(kind: str, algorithm: str) -> None:
    principal = await (await known()).principal(token(kind, algorithm))
    assert (principal.name, principal.grants) == ("jwt:ann", Grants.of(["lab=operator"]))


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        *(({name: None}, "invalid") for name in ("iss", "aud", "exp", "nbf", "sub")),
        ({"iss": "https://other.example.org"}, "invalid"),
        ({"iss": f"{ISSUER}/"}, "invalid"),
        ({"aud": "other"}, "invalid"),
        ({"aud": ["other", "another"]}, "invalid"),
        ({"sub": ""}, "invalid"),
        ({"sub": "a\nb"}, "invalid"),
        ({"sub": "x" * 300}, "invalid"),
        ({"exp": NOW - LEEWAY - timedelta(seconds=2)}, "expired"),
        ({"exp": "never"}, "invalid"),
        ({"nbf": NOW + timedelta(hours=1)}, "invalid"),
        ({"greenroom_grants": ["lab=emperor"]}, "invalid"),
        ({"greenroom_grants": 7}, "invalid"),
    ],
)  # fmt: skip
async def test_a_claim_that_is_missing_or_wrong_is_refused(changed: dict[str, Any], wanted: str) -> None:
    assert await problem(await known(), token(**changed)) == wanted


async def test_clocks_may_differ_a_little() -> None:
    who = await known()
    now = datetime.now(UTC)
    await who.principal(token(exp=now - timedelta(seconds=1), nbf=now - LONG))
    await who.principal(token(nbf=now + timedelta(seconds=20), aud=["other", AUDIENCE]))


def unsigned(header: dict[str, Any], signature: bytes = b"") -> str:
    """Return a token with a header and a signature of one's own choice."""
    payload = token().split(".")[1]
    parts = [
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (json.dumps(header).encode(), signature)
    ]
    return f"{parts[0]}.{payload}.{parts[1]}"


def forged() -> dict[str, str]:
    """Return tokens that must not be proven, by the trick."""
    rsa = private_key("2048").public_key()
    pem = rsa.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = rsa.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    mine = public_jwk("P-256", "mine")
    good = token()
    return {
        "none": unsigned({"alg": "none", "kid": "P-256"}),
        "None": unsigned({"alg": "None", "kid": "P-256"}),
        "none with a signature": unsigned({"alg": "none", "kid": "P-256"}, b"x" * 64),
        "no algorithm": unsigned({"kid": "P-256"}, b"x" * 64),
        "public key as secret, PEM": _hs256(pem),
        "public key as secret, DER": _hs256(der),
        "algorithm of another key": token("P-256", "ES256", {"kid": "2048"}),
        "key of another kind": token("2048", "RS256", {"kid": "P-256"}),
        "stolen kid": token("Ed25519", "EdDSA", {"kid": "P-256"}),
        "own key in the header": token("P-384", "ES384", {"kid": "mine", "jwk": mine}),
        "own keys at a URL": token("P-384", "ES384", {"kid": "mine", "jku": "https://evil.example.org/keys"}),
        "unknown kid": token("P-256", "ES256", {"kid": "nobody"}),
        "kid is a path": token("P-256", "ES256", {"kid": "../../../../dev/null"}),
        "kid is SQL": token("P-256", "ES256", {"kid": "' OR 1=1 --"}),
        "kid is a list": unsigned({"alg": "ES256", "kid": ["P-256"]}, b"x" * 64),
        "kid is long": token("P-256", "ES256", {"kid": "x" * 10_000}),
        "no kid": unsigned({"alg": "ES256"}, b"x" * 64),
        "critical extension": token("P-256", "ES256", {"crit": ["b64"], "b64": True}),
        "no signature": good.rpartition(".")[0] + ".",
        "changed": _changed(good),
        "too long": good + "A" * MOST_BYTES,
        "not ASCII": good + "ü",
        "zero signature": unsigned({"alg": "ES256", "kid": "P-256"}, bytes(64)),
    }


def _hs256(secret: bytes) -> str:
    """Sign with HMAC and a secret that everybody knows; the library that tests use would refuse to."""
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"2048"}').rstrip(b"=").decode()
    text = f"{header}.{token().split('.')[1]}"
    signature = (
        base64.urlsafe_b64encode(hmac.digest(secret, text.encode(), hashlib.sha256)).rstrip(b"=").decode()
    )
    return f"{text}.{signature}"


def _changed(good: str) -> str:
    header, payload, signature = good.split(".")
    read = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    read["greenroom_grants"] = ["*=admin"]
    other = base64.urlsafe_b64encode(json.dumps(read).encode()).rstrip(b"=").decode()
    return f"{header}.{other}.{signature}"


async def test_no_trick_proves_anything() -> None:
    who = await known()
    await who.principal(token())
    assert {trick: await problem(who, presented) for trick, presented in forged().items()} == dict.fromkeys(
        forged(), "invalid"
    )


@given(
    st.text(alphabet=st.characters(max_codepoint=255), max_size=60) | st.from_regex(r"[A-Za-z0-9_.-]{0,80}")
)
def test_no_text_is_more_than_refused(text: str) -> None:
    async def present() -> str:
        return await problem(await known(public_jwk("P-256")), text)

    assert asyncio.run(present()) == "invalid"


def test_unusable_keys_are_left_out() -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}
    small = {**public_jwk("2048", "small"), "n": "AQAB"}
    read = parse_keys(
        key_set(
            secret, small, public_jwk("P-256", "enc", use="enc"), public_jwk("P-256", "wrong", alg="HS256"),
            public_jwk("P-256", "wrap", key_ops=["wrapKey"]), {"kty": "EC", "kid": "empty"}, {"kty": "RSA"},
            public_jwk("P-256", "twice"), public_jwk("P-384", "twice"), public_jwk("2048", "one", alg="PS256"),
            {"kid": 7}, [], public_jwk("P-256", "ops", key_ops=["verify"], use="sig"),
        )
    )  # fmt: skip
    assert {kid: key.algorithms for kid, key in read.items()} == {"one": {"PS256"}, "ops": {"ES256"}}


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"keys": 7}', b"\xff", b"[" * 100_000])
def test_what_is_no_set_of_keys_is_told(raw: bytes) -> None:
    with pytest.raises(KeysUnusable):
        parse_keys(raw)


async def test_a_key_that_is_new_is_asked_for_but_not_for_everybody_who_invents_one() -> None:
    published = Published(public_jwk("P-256"))
    keys = SigningKeys(published.load, refresh=LONG, patience=LONG)
    await keys.read()
    who = bearers(keys)
    published.raw = key_set(public_jwk("P-256"), public_jwk("P-384"))
    fresh = token("P-384", "ES384")
    assert [p.name for p in await asyncio.gather(*(who.principal(fresh) for _ in range(5)))] == [
        "jwt:ann"
    ] * 5
    assert published.asked == 2
    for number in range(20):
        assert await problem(who, token(headers={"kid": f"invented-{number}"})) == "invalid"
    assert published.asked == 2


async def test_known_keys_stay_while_the_issuer_is_away() -> None:
    published = Published(public_jwk("P-256"))
    keys = SigningKeys(published.load, refresh=timedelta(milliseconds=1), patience=timedelta())
    await keys.read()
    who = bearers(keys)
    async with keys.on_duty():
        published.raw = None
        asked = published.asked
        while published.asked < asked + 3:
            assert await problem(who, token(headers={"kid": "other"})) == "invalid"
        assert (await who.principal(token())).name == "jwt:ann"


async def test_a_file_that_changes_is_read_again_and_what_its_old_keys_proved_is_forgotten(
    tmp_path: Path,
) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(key_set(public_jwk("P-256")))
    keys = SigningKeys(from_file(file), refresh=timedelta(milliseconds=5), patience=timedelta())
    await keys.read()
    who, old = bearers(keys), token()
    await who.principal(old)
    written = tmp_path / "new"
    written.write_bytes(key_set(public_jwk("P-384")))
    async with keys.on_duty():
        written.replace(file)
        await who.principal(token("P-384", "ES384"))
        assert await problem(who, old) == "invalid"
        generation = keys.generation
        file.write_bytes(b"half of")
        assert await problem(who, old) == "invalid"
        await who.principal(token("P-384", "ES384"))
        assert keys.generation == generation


async def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    keys = SigningKeys(from_file(tmp_path / "nowhere"), refresh=LONG, patience=LONG)
    with pytest.raises(KeysUnusable, match="nowhere"):
        await keys.read()


async def test_what_was_proven_runs_out_all_the_same() -> None:
    keys = SigningKeys(Published(public_jwk("P-256")).load, refresh=LONG, patience=LONG)
    await keys.read()
    clock = [NOW]
    who = JwtBearers(
        keys, issuer=ISSUER, audience=AUDIENCE, grants=ClaimedGrants("x", {}), now=lambda: clock[0]
    )
    presented = token()
    principal = await who.principal(presented)
    assert await who.principal(presented) is principal, "nothing is proven twice"
    assert principal.expire_time is not None
    clock[0] = principal.expire_time
    assert await problem(who, presented) == "expired"


async def test_keys_come_from_an_https_server_that_is_trusted(tmp_path: Path) -> None:
    authority = Authority()
    own = authority.issue("127.0.0.1")
    (tmp_path / "server.pem").write_bytes(own.key + own.certificate)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    published = key_set(public_jwk("P-256"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response({"/keys": 200, "/moved": 302}.get(self.path, 404))
            self.send_header("Location", "/keys")
            self.end_headers()
            self.wfile.write(published if self.path == "/keys" else b"")

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        url = f"https://127.0.0.1:{server.server_port}"
        assert await from_url(f"{url}/keys", tmp_path / "ca.pem")() == published
        for path in ("/moved", "/other"):
            with pytest.raises(KeysUnusable, match="answers"):
                await from_url(url + path, tmp_path / "ca.pem")()
        with pytest.raises(KeysUnusable, match="ConnectError"):
            await from_url(f"{url}/keys", None)()
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("path", "claim", "wanted"),
    [
        ("grants", {"grants": "lab=viewer den=admin"}, ["lab=viewer", "den=admin"]),
        ("grants", {"grants": "lab=viewer,den=admin"}, ["lab=viewer", "den=admin"]),
        ("grants", {"grants": {"lab": "viewer"}}, ["lab=viewer"]),
        ("a.b", {"a": {"b": ["lab=viewer"]}}, ["lab=viewer"]),
        ("https://x.example/g", {"https://x.example/g": ["*=admin"]}, ["*=admin"]),
        ("grants", {}, []),
        ("a.b", {"a": "b"}, []),
    ],
)
def test_grants_are_found_in_the_claim(path: str, claim: dict[str, Any], wanted: list[str]) -> None:
    assert ClaimedGrants(path, {}).of(claim) == Grants.of(wanted)


def test_groups_have_the_grants_that_the_operator_gives_them() -> None:
    groups = ClaimedGrants("groups", {"ci": ["lab=operator"], "ops": ["*=viewer", "den=admin"]})
    assert groups.of({"groups": ["ci", "ops", "*=admin"]}) == Grants.of(
        ["lab=operator", "*=viewer", "den=admin"]
    )
    assert groups.of({"groups": "nobody"}) == Grants({})
