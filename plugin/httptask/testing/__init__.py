"""For people who test their own templates and workflows: a clock that takes no time, scripted answers, and a pytest fixture."""

from __future__ import annotations

from httptask.clock import FakeClock
from httptask.scripted import ScriptedTransport
from httptask.simulate import Simulation, simulate, simulate_workflow

__all__ = ["FakeClock", "ScriptedTransport", "Simulation", "simulate", "simulate_workflow"]
