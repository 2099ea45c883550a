"""The shipped templates rendered with their own examples, and the golden files that hold the results."""

from functools import cache
from pathlib import Path

from httptask.auth import auth_for
from httptask.inputs import BODY, check, parameter_names
from httptask.loader import open_registry
from httptask.model import Connection
from httptask.render import USER_AGENT, build
from httptask.secrets import MASK, Secret

FOLDER = Path(__file__).parent
TOKEN = "00golden-token"
VERSIONLESS = "httptask/<version>"
REGISTRY = open_registry()
TASKS = tuple(REGISTRY)


def example_inputs(template):
    """Return every input of a template with the example its file gives."""
    inputs = {name: parameter.example for name, parameter in parameter_names(template).items()}
    return inputs | ({BODY: template.body.example} if template.body else {})


@cache
def rendered(task, base_url=None):
    """Return the request of a task's examples, credential included."""
    template = REGISTRY[task]
    auth = auth_for(template.provider, None, secret=Secret(TOKEN))
    inputs = example_inputs(template)
    check(template, inputs)
    to = Connection("golden", base_url or template.provider.default_url, auth)
    return to.auth.preview(build(template, inputs, to))


def shown(request):
    """Return a request as its golden file holds it: the credential masked, our own version left open."""
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {MASK if isinstance(value, Secret) else value}" for name, value in request.headers]
    head = "\n".join(lines).replace(USER_AGENT, VERSIONLESS)
    return head.encode() + b"\n\n" + (request.body or b"") + b"\n"


def on_the_wire(golden, host):
    """Return the bytes that the content of a golden file stands for on a socket."""
    head, _, body = golden.removesuffix(b"\n").partition(b"\n\n")
    line, *fields = head.decode().split("\n")
    method, _, url = line.partition(" ")
    fields = "\r\n".join([f"Host: {host}", *fields]).replace(f"Authorization: {MASK}", f"Authorization: SSWS {TOKEN}")
    target = "/" + url.split("/", 3)[3]
    return f"{method} {target} HTTP/1.1\r\n{fields.replace(VERSIONLESS, USER_AGENT)}\r\n\r\n".encode() + body


def golden_file(task):
    return FOLDER / task / "request.http"
