"""A template's path in OpenAPI's spelling."""

from __future__ import annotations

import re


def openapi_path(path: str) -> str:
    """Return a template's path in OpenAPI's spelling; `{{ inputs['If-Match'] }}` becomes `{If-Match}`."""
    return re.sub(r"\{\{\s*(?:inputs\[['\"]([^'\"]+)['\"]\]|([^}\s]+))\s*\}\}", lambda m: "{" + (m[1] or m[2]) + "}", path)
