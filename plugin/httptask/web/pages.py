"""Draws pages from templates that escape everything, and holds the few files that pages load. Owns this use of Jinja.

Nothing that a browser gets is ever marked as safe: a summary, a server's answer and an input are text, whatever they look like.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from httptask.version import VERSION
from httptask.web.prose import chunks, pieces

_HERE = Path(__file__).resolve().parent
_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: What a browser obeys and no reader sees, lines and tabs aside: C0, DEL, C1, and what changes the reading direction. And halves
#: of surrogate pairs, which no encoding can write.
_OBEYED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_HALVES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load; `version` changes with its content, so that a browser may keep it."""

    content: bytes
    media_type: str
    version: str


def assets() -> dict[str, Asset]:
    """Return the files that pages load, by name: what is not among them does not exist, whatever a path says."""
    files = (path for path in sorted((_HERE / "static").iterdir()) if path.suffix in _TYPES)
    return {path.name: _asset(path.read_bytes(), _TYPES[path.suffix]) for path in files}


def _asset(content: bytes, media_type: str) -> Asset:
    return Asset(content, media_type, hashlib.sha256(content).hexdigest()[:12])


class _Exact(str):
    """A text that a page gives as it is: what a field holds is sent back, and what is copied is used."""

    __slots__ = ()


def _exact(text: str) -> _Exact:
    return _Exact(_HALVES.sub("\ufffd", text))


def _shown(value: Any) -> Any:
    """Return what a page shows of a value: somebody else's text must not turn round how ours is read."""
    if not isinstance(value, str) or isinstance(value, _Exact) or hasattr(value, "__html__"):
        return value
    return _OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", value)


class Pages:
    """The templates, compiled once."""

    def __init__(self) -> None:
        """Read the templates and the files that they load."""
        self.assets = assets()
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters["exact"] = _exact
        self._environment.globals |= {"asset": self._asset, "version": VERSION, "pieces": pieces, "chunks": chunks}

    def draw(self, page: str, /, **values: Any) -> str:
        """Return a page or a part of one."""
        return self._environment.get_template(f"{page}.html").render(values)

    def refusal(self, status: int, title: str, text: str) -> bytes:
        """Return the page that says why there is nothing else to see."""
        return self.draw("refusal", status=status, title=title, text=text).encode()

    def _asset(self, name: str) -> str:
        return f"/static/{name}?v={self.assets[name].version}"
