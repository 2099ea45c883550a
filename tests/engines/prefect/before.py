"""What a sandbox had seen before a scenario of the contract was played, and what is seen after it."""

from engines.contract import Seen
from engines.prefect.api import how
from engines.sandboxes import waited


class Before:
    def __init__(self, scenario, sandbox):
        self.scenario, self.sandbox = scenario, sandbox
        self.entries = len(sandbox.sent(scenario.match))
        self.applied = sandbox.applied(scenario.operation)

    def seen(self, api, run):
        state, kind = how(api.flow_run(run))
        applied = self.sandbox.applied(self.scenario.operation) - self.applied
        sent = self.sandbox.sent(self.scenario.match)[self.entries :]
        return Seen(state, len(sent), applied, waited(sent), kind, api.visible(run))
