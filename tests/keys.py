"""Private keys for tests, made once per process: PEM and JWK texts of both halves."""

import json
from functools import cache

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1, "K-256": ec.SECP256K1}


@cache
def private(kind):
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind]())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("RSA-")))


def pem(kind, *, traditional=False, password=None):
    formats = serialization.PrivateFormat
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    shape = formats.TraditionalOpenSSL if traditional else formats.PKCS8
    return private(kind).private_bytes(serialization.Encoding.PEM, shape, how).decode()


def public_pem(kind):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private(kind).public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def jwk(kind, *, public=False, **members):
    algorithm = jwt.algorithms.RSAAlgorithm if kind.startswith("RSA") else jwt.algorithms.ECAlgorithm
    key = private(kind).public_key() if public else private(kind)
    return json.dumps({**algorithm.to_jwk(key, as_dict=True), **members})
