"""Serves the flows of flows.py as deployments, each run in a process of its own; run by conftest.py."""

import flows
from prefect import serve

serve(
    flows.contract.to_deployment("contract"),
    flows.found_again.to_deployment("found_again"),
    flows.not_found.to_deployment("not_found"),
    flows.asked.to_deployment("asked"),
    limit=8,
)
