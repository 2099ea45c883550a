"""What looks like a credential: by the name it has, by its shape, or because it is one that was found before. Pure.

An importer errs on the side of caution: what is taken for a secret by mistake costs an example, the other way round a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from httptask.curl.shell import VARIABLE, lone_variable
from httptask.secret_search import SHORTEST_SEARCHED
from httptask.secrets import Redactor, Secret, is_sensitive_field, is_sensitive_header

_SECRET_END = re.compile(
    r"(?:password|passwd|pwd|passphrase|passcode|secret|secretkey|privatekey|apikey|accesskey|signingkey|encryptionkey|token"
    r"|credentials?|authorization|otp|cvv|cvc|ssn)$"
)
#: Of forms in which well-known servers give out credentials.
_SHAPES = re.compile(
    r"(?<![\w-])eyJ[\w-]{8,2000}\.[\w-]{8,}\.[\w-]*"  # a JSON Web Token
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{10,}|[srp]k_(?:live|test)_\w{10,}|whsec_\w{16,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|ya29\.[\w.-]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}|npm_\w{30,}|sk-[\w-]{20,}"
    r"|00[\w-]{40}|shp(?:at|ss|ca)_[0-9a-f]{24,}|dop_v1_[0-9a-f]{32,}|bot[0-9]{6,}:[\w-]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY",
    re.ASCII,
)
#: What documents write where a reader has to put a credential.
_FILL_IN = re.compile(
    r"[\W_]*|<[^<>]*>|\{+[^{}]*\}+|\[[^\[\]]*\]|x+|"
    r"(?:(?:your|my|the|some|insert)[-_ ]?)*(?:(?:own|api|access|auth|bearer|secret|personal|user|client|admin)[-_ ]?)*"
    r"(?:token|key|password|pass|secret|credential|user|username|user_?name)(?:[-_ ]?here)?"
    r"|string|text|value|changeme|redacted|placeholder|example",
    re.IGNORECASE,
)
#: Names of cookies that only say how a page looks.
_PLAIN_COOKIE = re.compile(r"(?:lang|language|locale|theme|timezone|tz|currency|region|country|consent|mode)$", re.IGNORECASE)
_LONG_KEY = 16
#: Nothing of a longer text is kept in any case.
_LONGEST_SEARCHED = 64 * 1024


def is_secret_name(name: str) -> bool:
    """Tell whether a field, parameter or header of this name holds a credential: by its last word, in any spelling."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    return is_sensitive_field(name) or _SECRET_END.search(plain) is not None


def is_key_in_query(name: str, value: str) -> bool:
    """Tell whether a query parameter is a credential; `key` and `sig` are only where the value is long enough to be one."""
    plain = name.lower().replace("_", "").replace("-", "")
    short = plain in {"key", "auth", "sig", "signature", "sid", "session", "sessionid", "code", "hmac"}
    is_long = len(value) >= _LONG_KEY and re.search(r"[0-9]", value) is not None
    return is_secret_name(name) or plain.endswith("signature") or (short and (is_long or lone_variable(value) is not None))


def is_secret_header(name: str) -> bool:
    """Tell whether a header of this name holds a credential; the key of one call is none."""
    is_key = re.fullmatch(r"(?!.*idempotency)(?:.*[-_])?(?:key|auth)", name, re.IGNORECASE) is not None
    return is_key or is_sensitive_header(name) or is_secret_name(name)


def goes_beside(name: str) -> bool:
    """Tell whether a header goes beside a credential and is none alone: against cross-site requests, or a signature."""
    return re.search(r"csrf|xsrf|signature|assertion|^proxy-", name, re.IGNORECASE) is not None


def is_secret_cookie(name: str, value: str) -> bool:
    """Tell whether a cookie may identify somebody: every one that is not known to say how a page looks, and short."""
    return not (_PLAIN_COOKIE.fullmatch(name.lstrip("_")) and len(value) < _LONG_KEY and not looks_like_token(value))


def looks_like_token(value: str) -> bool:
    """Tell whether a text holds something in the form of a well-known kind of credential."""
    return _SHAPES.search(value[:_LONGEST_SEARCHED]) is not None


def is_filled_in(value: str) -> bool:
    """Tell whether a credential is one, and no variable and none of the words that stand for one in documents."""
    return not (VARIABLE.search(value) or lone_variable(value) or _FILL_IN.fullmatch(value))


class Watch:
    """Finds credentials that were met in one place in the others: in each form that the Redactor knows, short ones whole."""

    def __init__(self, values: Iterable[str]) -> None:
        """Take the values of credentials; what only stands for one is left out. An encoded one is known as it reads, too."""
        forms = (form for value in values for form in (value, unquote(value)))
        found = [value for value in dict.fromkeys(forms) if value and is_filled_in(value)]
        self.secrets = tuple(Secret(value, reference="a credential of the command") for value in found)
        self._long = tuple(value for value in found if len(value) >= SHORTEST_SEARCHED)
        self._short = frozenset(value for value in found if len(value) < SHORTEST_SEARCHED)
        self._redactor = Redactor(self.secrets)

    def holds(self, value: Any) -> bool:
        """Tell whether a text, or a number as it is written, is or holds one of them."""
        return (isinstance(value, str) and value in self._short) or self._redactor.json(value) != value

    def holds_in_any_case(self, text: str) -> bool:
        """Tell whether a text that was put into lower case, such as a host, holds one of them."""
        lower = text.lower()
        return any(value.lower() in lower for value in self._long) or self.holds(text)

    def suspects(self, text: str) -> bool:
        """Tell whether a text holds one of them, or something in the form of a credential."""
        return looks_like_token(text) or self.holds(text)

    def suspects_prose(self, text: str) -> bool:
        """Tell the same of text of any kind, in which a secret may stand behind its name, as in `password=...`."""
        return self.suspects(text) or self._redactor.free(text) != text
