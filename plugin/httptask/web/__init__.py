"""The web page: search the tasks, read what each takes, see the request, try it. `httptask serve` starts it."""
