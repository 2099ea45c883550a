# A secret in a path is masked in its place, however short it is: by its value it would not be found.
import pytest

from builders import connection, parameter, template
from httptask import masking
from httptask.clock import FakeClock
from httptask.events import TaskStarted
from httptask.message import Response
from httptask.render import build
from httptask.runner import Runner
from httptask.secrets import Redactor

SECRET = {"type": "string", "format": "password"}


def task(path, *secret):
    names = ("id", "key", "more")
    parameters = (
        parameter(name, "path", schema=SECRET if name in secret else {}) for name in names if f"{{{{ {name} }}}}" in path
    )
    return template(path=path, parameters=(*parameters, parameter("q", schema=SECRET)))


@pytest.mark.parametrize(
    ("path", "secret", "shown"),
    [
        ("/a/{{ id }}", ("id",), "/a/***"),
        ("/a/{{ id }}/b/{{ key }}/c", ("key",), "/a/1/b/***/c"),
        ("/{{ id }}/{{ key }}/{{ more }}", ("id", "more"), "/***/2/***"),
        ("/a/{{ id }}.{{ key }}.json/x", ("key",), "/a/***/x"),
        ("/a/{{ id }}", (), "/a/1"),
    ],
)
@pytest.mark.parametrize("base", ["https://api.example.com", "https://api.example.com/base/1"])
def test_a_secret_segment_is_masked_in_its_place(path, secret, shown, base):
    made = task(path, *secret)
    request = build(made, {"id": "1", "key": "2", "more": "3", "q": "4"}, connection(base_url=base))
    assert masking.request(made, request, Redactor()).url == f"{base}{shown}?q=***"
    assert masking.url(made, request.url, Redactor()) == f"{base}{shown}?q=***"


def test_a_url_of_another_shape_keeps_its_authority():
    assert masking.url(task("/a/b/{{ id }}/c/d/e", "id"), "https://api.example.com/x", Redactor()) == "https://api.example.com/x"


def test_observers_are_not_told_it_either():
    class Server:
        def send(self, request, timeouts):
            return Response(200)

    told = []
    Runner(Server(), FakeClock(), told.append).run(task("/a/{{ id }}", "id"), {"id": "1"}, connection())
    assert [event.url for event in told if isinstance(event, TaskStarted)] == ["https://api.example.com/a/***"]
