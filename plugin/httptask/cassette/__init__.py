"""Cassettes: what tasks sent and what came back, recorded without secrets, and replayed without a network."""

from __future__ import annotations

from httptask.cassette.exchanges import Cassette
from httptask.cassette.file import load
from httptask.cassette.recorder import Recorder
from httptask.cassette.replay import Replay

__all__ = ["Cassette", "Recorder", "Replay", "load"]
