"""A stateful local Okta Agent Pools server, with faults and rate limits, for tests, examples and first steps.

`core.Sandbox` is pure: a request goes in, a reply comes out, time is a port. `inprocess` hands it to the client without
a socket; `app` and `server` put it on a loopback port.
"""
