"""Which operation answers which method and path, as one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from httptask.sandbox import operations
from httptask.sandbox.state import TRANSITIONS
from httptask.sandbox.wire import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from httptask.sandbox.operations import Call, Result
    from httptask.sandbox.options import Statuses

POOLS = "/api/v1/agentPools"
UPDATES = f"{POOLS}/{{poolId}}/updates"
SETTINGS = f"{UPDATES}/settings"
UPDATE = f"{UPDATES}/{{updateId}}"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: where it is, the status that Okta's document gives it, and what carries it out."""

    method: str
    pattern: str
    documented: int
    operation: Callable[[Call], Result]

    @property
    def key(self) -> str:
        """Method and path pattern, as the control surface counts them."""
        return f"{self.method} {self.pattern}"

    def status(self, statuses: Statuses) -> int:
        """Return the status of success: real servers were recorded to answer 200 where the document says 201."""
        return 200 if statuses == "recorded" and self.documented == 201 else self.documented  # noqa: PLR2004 - HTTP's own numbers


#: The literal `settings` stands before `{updateId}`, which would match it too.
ROUTES: tuple[Route, ...] = (
    Route("GET", POOLS, 200, operations.list_pools),
    Route("GET", UPDATES, 200, operations.list_updates),
    Route("POST", UPDATES, 201, operations.create_update),
    Route("GET", SETTINGS, 200, operations.get_settings),
    Route("POST", SETTINGS, 201, operations.edit_settings),
    Route("GET", UPDATE, 200, operations.get_update),
    Route("POST", UPDATE, 201, operations.edit_update),
    Route("DELETE", UPDATE, 204, operations.delete_update),
    *(Route("POST", f"{UPDATE}/{action}", 201, operations.move_update(action)) for action in TRANSITIONS),
)


def find(method: str, segments: tuple[str, ...]) -> tuple[Route, dict[str, str]]:
    """Return the route and its path parameters; the first pattern that fits the path decides.

    Raises:
        ApiError: no pattern fits (404 E0000008), or none with this method (405 E0000022, with `Allow`).

    """
    pattern = next((route.pattern for route in ROUTES if _parameters(route.pattern, segments) is not None), None)
    if pattern is None:
        raise ApiError(404, "E0000008")
    found = {route.method: route for route in ROUTES if route.pattern == pattern}
    if method not in found:
        raise ApiError(405, "E0000022", headers=(("allow", ", ".join(found)),))
    return found[method], _parameters(pattern, segments) or {}


def _parameters(pattern: str, segments: tuple[str, ...]) -> dict[str, str] | None:
    words = pattern.split("/")[1:]
    if len(words) != len(segments) or not all(segments):
        return None
    pairs = list(zip(words, segments, strict=True))
    if any(word != segment for word, segment in pairs if not word.startswith("{")):
        return None
    return {word[1:-1]: segment for word, segment in pairs if word.startswith("{")}
