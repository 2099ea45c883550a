"""Names for runs and logical calls: fresh ones from the system's randomness, and ones that anybody can derive again."""

from __future__ import annotations

import secrets
import uuid

#: Derived keys live in a namespace of their own (RFC 9562 section 5.5).
_NAMESPACE = uuid.UUID("5e0f5c1e-6f0a-5b57-9f0e-8d1c2f6f3a10")


def new_id() -> str:
    """Return a fresh id of 16 hex digits."""
    return uuid.uuid4().hex[:16]


def new_token() -> str:
    """Return a fresh text that nobody can guess, fit for a URL and a cookie."""
    return secrets.token_urlsafe(32)


def new_idempotency_key() -> str:
    """Return a fresh idempotency key, a UUID."""
    return str(uuid.uuid4())


def new_jwt_id() -> str:
    """Return a fresh `jti` for a JWT that is accepted once (RFC 7519 section 4.1.7)."""
    return str(uuid.uuid4())


def idempotency_key(run_id: str, path: str) -> str:
    """Return the key of one logical call: the same for the same run and path, over attempts, processes and resumes.

    An engine passes its own run id and the step's path, such as `create[3]/until:2`.
    """
    return str(uuid.uuid5(_NAMESPACE, f"{len(run_id)}:{run_id}/{path}"))
