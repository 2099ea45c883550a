"""What the page answers with, beside 200 (RFC 9110 section 15)."""

from __future__ import annotations

from http import HTTPStatus

#: A page that leads to another one after a form was sent.
SEE_OTHER = HTTPStatus.SEE_OTHER.value
MISSING = HTTPStatus.NOT_FOUND.value
#: A form, or a definition file, that has problems.
REFUSED = 422
