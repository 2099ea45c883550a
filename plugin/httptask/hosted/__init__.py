"""Tasks and workflows under an orchestration engine, which owns order, waits and retries.

An engine begins a unit of work as often as it must: each `turns.take` sends one attempt at most, or polls once, and says whether
the unit is over or when to come again. What one turn leaves for the next is a `marks.Mark`, which the engine keeps; without it,
whatever an earlier turn may have sent counts as lost. What a step leaves for later steps is what a journal would keep of it
(`recording`). No module here knows an engine.
"""
