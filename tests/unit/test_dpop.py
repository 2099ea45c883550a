import base64
import hashlib
import json

import jwt

from httptask.auth.dpop import Prover
from httptask.message import Headers, Request
from httptask.secrets import Secret

REQUEST = Request("GET", "https://a.test/api/x?after=c4n4ry#top", Headers())
NOW = 1_700_000_000.5


def proof(request):
    (value,) = (value for name, value in request.headers if name == "DPoP")
    header = jwt.get_unverified_header(value.reveal())
    key = jwt.PyJWK(header["jwk"], algorithm="ES256")
    return header, jwt.decode(value.reveal(), key, algorithms=["ES256"], options={"verify_iat": False})


def test_a_proof_is_for_one_method_and_url_without_its_query():
    header, claims = proof(Prover(new_id=lambda: "id-1").prove(REQUEST, now=NOW))
    assert (header["typ"], header["alg"]) == ("dpop+jwt", "ES256")
    assert claims == {"jti": "id-1", "htm": "GET", "htu": "https://a.test/api/x", "iat": 1_700_000_000}


def test_a_proof_carries_the_public_key_alone():
    header, _ = proof(Prover().prove(REQUEST, now=NOW))
    assert sorted(header["jwk"]) == ["crv", "kty", "x", "y"]
    assert header["jwk"]["crv"] == "P-256"


def test_a_proof_with_a_token_is_bound_to_it():
    _, claims = proof(Prover().prove(REQUEST, now=NOW, token=Secret("token")))
    digest = hashlib.sha256(b"token").digest()
    assert claims["ath"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_all_proofs_of_a_connection_have_one_key_and_ids_of_their_own():
    prover = Prover()
    (one, first), (other, second) = (proof(prover.prove(REQUEST, now=NOW)) for _ in range(2))
    assert json.dumps(one["jwk"]) == json.dumps(other["jwk"])
    assert first["jti"] != second["jti"]


def test_a_nonce_is_kept_for_the_server_that_gave_it():
    prover = Prover()
    assert prover.learn("https://a.test/token", Headers.of({"dpop-nonce": "n1"}))
    assert proof(prover.prove(REQUEST, now=NOW))[1]["nonce"] == "n1"
    elsewhere = Request("GET", "https://b.test/", Headers())
    assert "nonce" not in proof(prover.prove(elsewhere, now=NOW))[1]


def test_only_another_nonce_is_news():
    prover = Prover()
    assert [prover.learn("https://a.test/", Headers.of(fields)) for fields in ({"DPoP-Nonce": "n"}, {"DPoP-Nonce": "n"}, {})] == [
        True,
        False,
        False,
    ]


def test_a_proof_is_shown_to_nobody():
    assert "eyJ" not in repr(Prover().prove(REQUEST, now=NOW))
