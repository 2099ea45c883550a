import json

import jwt
import pytest

import keys
from httptask.auth.jwt import fresh_key, signing_key
from httptask.errors import ConfigurationError
from httptask.secrets import Secret


def read(text, **options):
    return signing_key(Secret(text), where="svc.privateKey", **options)


def refusal(text, **options):
    with pytest.raises(ConfigurationError) as caught:
        read(text, **options)
    (problem,) = caught.value.problems
    assert problem.where == "svc.privateKey"
    assert problem.hint
    return problem.message


@pytest.mark.parametrize("form", [keys.pem, keys.jwk], ids=["PEM", "JWK"])
@pytest.mark.parametrize(
    ("kind", "named", "used"),
    [
        ("RSA-2048", None, "RS256"),
        ("RSA-2048", "RS256", "RS256"),
        ("RSA-2048", "RS384", "RS384"),
        ("RSA-2048", "RS512", "RS512"),
        ("P-256", None, "ES256"),
        ("P-384", None, "ES384"),
        ("P-384", "ES384", "ES384"),
        ("P-521", None, "ES512"),
    ],
)
def test_every_kind_of_key_signs_with_the_algorithm_that_goes_with_it(form, kind, named, used):
    token = read(form(kind), algorithm=named, key_id="k1").sign({"iss": "me"})
    assert jwt.get_unverified_header(token) == {"alg": used, "kid": "k1", "typ": "JWT"}
    assert jwt.decode(token, keys.public_pem(kind), algorithms=[used]) == {"iss": "me"}


def test_a_jwk_brings_its_own_key_id_and_algorithm_and_the_connection_may_name_others():
    text = keys.jwk("RSA-2048", kid="of-the-jwk", alg="RS384")
    assert (read(text).key_id, read(text).algorithm) == ("of-the-jwk", "RS384")
    named = read(text, key_id="named", algorithm="RS512")
    assert (named.key_id, named.algorithm) == ("named", "RS512")


@pytest.mark.parametrize(
    "text",
    [
        keys.pem("RSA-2048", traditional=True),
        keys.pem("P-256", traditional=True),
        keys.pem("P-256").replace("\n", "\\n"),
        "\n  " + keys.pem("P-256"),
    ],
    ids=["PKCS 1", "SEC 1", "one line with \\n", "blank around"],
)
def test_a_pem_text_is_read_in_the_forms_that_people_store(text):
    assert read(text).sign({})


def test_without_a_key_id_none_is_sent():
    assert "kid" not in jwt.get_unverified_header(read(keys.pem("P-256")).sign({}))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("c4n4ry", {}, "neither a PEM text nor a JWK"),
        (keys.public_pem("P-256"), {}, "no private key"),
        (keys.jwk("P-256", public=True), {}, "this JWK is a public key"),
        (keys.pem("P-256", password=b"x"), {}, "encrypted"),
        (keys.pem("P-256", traditional=True, password=b"x"), {}, "encrypted"),
        (keys.pem("P-256")[:80] + "\n-----END PRIVATE KEY-----", {}, "cannot be read"),
        ("{c4n4ry", {}, "starts like a JWK and is none"),
        ('{"kty": "oct", "k": "c4n4ry", "d": "x"}', {}, "neither an RSA nor an EC key"),
        ('{"kty": "EC", "crv": "P-256", "x": "c4n4ry", "y": "y", "d": "d"}', {}, "do not make a key"),
        (keys.pem("RSA-1024"), {}, "shorter than 2048 bits"),
        (keys.pem("Ed25519"), {}, "cannot be used here"),
        (keys.pem("K-256"), {}, "cannot be used here"),
        (keys.pem("P-256"), {"algorithm": "RS256"}, "does not fit"),
        (keys.pem("P-256"), {"algorithm": "ES384"}, "does not fit"),
        (keys.jwk("P-256", alg="none"), {}, "does not fit"),
    ],
)
def test_what_is_no_usable_key_is_refused_without_being_shown(text, options, message):
    said = refusal(text, **options)
    assert message in said
    assert "c4n4ry" not in said


def test_a_key_does_not_show_itself():
    assert "PRIVATE" not in repr(read(keys.pem("P-256")))
    assert repr(read(keys.pem("P-256"), key_id="k")) == "SigningKey(algorithm='ES256', key_id='k')"


def test_a_fresh_key_is_another_one_each_time_and_shows_its_public_half_alone():
    first, second = fresh_key().public_jwk(), fresh_key().public_jwk()
    assert first != second
    assert sorted(first) == ["crv", "kty", "x", "y"]
    assert json.dumps(first)


def test_without_the_packages_the_extra_to_install_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jwt", None)
    with pytest.raises(ConfigurationError) as caught:
        read(keys.pem("P-256"))
    (problem,) = caught.value.problems
    assert problem.hint == "pip install 'httptask[oauth]'"


@pytest.mark.parametrize("kid", [5, ["a"], {"a": 1}, True])
def test_a_key_id_that_is_no_text_is_refused(kid):
    assert refusal(keys.jwk("P-256", kid=kid)) == "the JWK's kid is no text"


def test_bytes_that_are_no_text_are_no_key():
    assert refusal(keys.pem("P-256").replace("MI", "M\udcff", 1)) == "the PEM text cannot be read as a private key"
    assert "JWK" in refusal(keys.jwk("P-256").replace('"y": "', '"y": "\udcff'))
