"""What one piece of work knows that nobody may read: the secrets met so far, and events fit to be told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from httptask.secrets import Redactor, Secret

if TYPE_CHECKING:
    from httptask.events import Event
    from httptask.ports import Observer


@dataclass(slots=True)
class Discretion:
    """The secrets met so far. It only ever learns, so that the last words are masked too. Safe in every thread.

    `mask` is given each of them, for logs that are not ours; not what a server's answer calls secret, which could mask any word.
    """

    redactor: Redactor = field(default_factory=Redactor)
    mask: Callable[[str], None] | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Let everything shown from now on mask these."""
        found = tuple(secrets)
        with self._lock:
            self.redactor = self.redactor.extended(found)
        if self.mask is not None:
            for part in (part for secret in found if not secret.verbatim for part in secret.parts()):
                self.mask(part)

    def observer(self, *observers: Observer) -> Observer:
        """Return what learns the secrets of each task and tells the others, one event at a time.

        What answers call secret is masked in events alone: a server could mask our own words so.
        """
        from httptask.events import CredentialUsed, TaskStarted
        from httptask.masking import Learner

        learner = Learner()

        def observe(event: Event) -> None:
            with self._lock:  # the lanes of a run tell what happens in each of them
                if isinstance(event, TaskStarted | CredentialUsed) and event.secrets:
                    self.learn(event.secrets)
                shown = learner.shown(event)
                for observer in observers:
                    observer(shown)

        return observe
