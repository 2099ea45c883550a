"""A pasted curl command becomes a task template.

`shell` and `command` read it, `pasted` says what curl would send, `credentials` takes out what is secret, `matching` looks for
what exists already, `slots` and `drafting` make the definitions.

Nothing of the command is ever run, and no variable of it is ever looked up.
"""
