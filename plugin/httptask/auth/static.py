"""What credentials have in common that were given whole: they ask nobody and cannot be renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httptask.message import Request, Response
    from httptask.ports import Means


class GivenWhole:
    """Half of `ports.Auth`: a scheme that inherits this says only how its credential looks, in `preview`."""

    __slots__ = ()

    @property
    def endpoints(self) -> tuple[str, ...]:
        """None: nobody is asked."""
        return ()

    @property
    def refreshable(self) -> bool:
        """Never: there is no other credential."""
        return False

    def challenged(self, sent: Request, answer: Response) -> bool:  # noqa: ARG002 - what `ports.Auth` asks for
        """Never: the credential looks the same in every request."""
        return False

    def refresh(self, sent: Request, answer: Response) -> None:
        """Keep the credential: there is no other."""

    def preview(self, request: Request) -> Request:
        """Return the request with the credential added."""
        raise NotImplementedError

    def apply(self, request: Request, means: Means) -> Request:  # noqa: ARG002 - what `ports.Auth` asks for
        """Return the request with the credential added; it is known already."""
        return self.preview(request)
