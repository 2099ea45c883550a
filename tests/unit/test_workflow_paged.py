"""Lists read page by page in a run: joined where they can be held, streamed where not, and read on where a process ended."""

from urllib.parse import parse_qs, urlsplit

import pytest

from builders import connection, parameter, template
from httptask.clock import FakeClock
from httptask.memory_journal import MemoryJournal
from httptask.model import ForEach, Output, Paginate, Paging
from httptask.recording import RunRecorder
from httptask.registry import Registry
from httptask.runner import Runner
from httptask.secrets import Redactor, Secret
from httptask.workflow import WorkflowRunner
from model_server import Killed, reply, step, workflow

PAGES = 5
LIST = template(
    id="acme.things",
    parameters=(parameter("after"),),
    paging=Paging("cursor", items="data", parameter="after", cursor="next"),
    outputs={"names": Output("{{ response.body.data | map(attribute='id') | list }}", {})},
)
GET = template(id="acme.thing", path="/things/{{ id }}", parameters=(parameter("id", "path"),))
REGISTRY = Registry(dict.fromkeys(("acme.things", "acme.thing")), None)
REGISTRY._loaded = {"acme.things": LIST, "acme.thing": GET}


class Server:
    """Five pages of two things; `troubles` are answers, or exceptions, in place of the next requests for a page."""

    def __init__(self):
        self.pages, self.things, self.troubles = [], [], {}

    def send(self, request, timeouts):
        url = urlsplit(request.url)
        if url.path != "/things":
            self.things.append(url.path.rpartition("/")[2])
            return reply(200, id=self.things[-1])
        number = int(parse_qs(url.query).get("after", ["1"])[0])
        self.pages.append(number)
        trouble = self.troubles.pop(number, None)
        if isinstance(trouble, BaseException):
            raise trouble
        data = [{"id": f"t{number}{letter}"} for letter in "ab"]
        return trouble or reply(200, data=data, next=number + 1 if number < PAGES else None, total=2 * PAGES)


class Runs:
    """One run over its processes."""

    def __init__(self, flow, shown=Redactor):
        self.flow, self.shown = flow, shown
        self.server, self.clock, self.journal, self.resumed = Server(), FakeClock(), MemoryJournal("r1", durable=True), False

    def run(self):
        self.journal = self.journal.copy()
        recorder = RunRecorder(self.journal, self.clock, self.shown, resumed=self.resumed)
        self.resumed = True
        runner = WorkflowRunner(Runner(self.server, self.clock), REGISTRY, lambda _: connection(), self.clock, recorder=recorder)
        try:
            return runner.run(self.flow, {})
        except Killed:
            return None


def listing(**paginate):
    return step("list", None, task="acme.things", paginate=Paginate(**paginate))


def each(items="{{ steps.list.outputs.items }}"):
    return step("each", None, task="acme.thing", inputs={"id": "{{ item.id }}"}, for_each=ForEach(items))


EVERY = [f"t{number}{letter}" for number in range(1, PAGES + 1) for letter in "ab"]


def test_the_tasks_outputs_are_read_from_the_joined_list():
    runs = Runs(
        workflow(listing(), outputs={"names": "{{ steps.list.outputs.names }}", "all": "{{ steps.list.outputs.items | length }}"})
    )
    result = runs.run()
    assert result.outputs == {"names": EVERY, "all": 10}
    assert (result.steps[0].paged.pages, result.steps[0].paged.items) == (5, 10)


def test_the_steps_outputs_see_the_joined_response():
    step_ = step("list", None, task="acme.things", paginate=Paginate(), outputs={"count": "{{ response.body.data | length }}"})
    assert Runs(workflow(step_, outputs={"n": "{{ steps.list.outputs.count }}"})).run().outputs == {"n": 10}


def test_the_joined_items_may_be_gone_over():
    runs = Runs(workflow(listing(), each()))
    assert runs.run().status == "succeeded"
    assert runs.server.things == EVERY


def test_a_list_too_long_to_be_held_is_gone_over_from_the_journal_item_by_item():
    runs = Runs(workflow(listing(max_items=3), each()))
    result = runs.run()
    assert result.status == "succeeded"
    assert runs.server.things == EVERY
    assert result.steps[1].items is None
    assert result.steps[1].counts == {"succeeded": 10}
    assert result.steps[0].outputs is None


@pytest.mark.parametrize(
    "expression", ["{{ steps.list.outputs.items | length }}", "{{ steps.list.outputs }}", "x{{ steps.list.outputs.items }}"]
)
def test_any_other_use_of_a_list_too_long_to_be_held_names_foreach(expression):
    result = Runs(workflow(listing(max_items=3), outputs={"x": expression})).run()
    assert result.status == "failed"
    assert "too long to be held" in result.failure.message
    assert "forEach" in result.failure.message


def test_the_outputs_of_a_foreach_over_such_a_list_are_too_many_to_be_read():
    result = Runs(workflow(listing(max_items=3), each(), outputs={"x": "{{ steps.each.outputs }}"})).run()
    assert "too many outputs" in result.failure.message


def test_a_limit_of_pages_ends_the_reading_with_a_warning():
    result = Runs(workflow(listing(max_pages=2), outputs={"names": "{{ steps.list.outputs.names }}"})).run()
    assert result.outputs == {"names": EVERY[:4]}
    assert "morePages" in {warning.code for warning in result.steps[0].outcome.warnings}


@pytest.mark.parametrize("max_items", [None, 3])
@pytest.mark.parametrize("page", range(1, PAGES + 1))
def test_a_run_that_ended_at_a_page_reads_on_there(page, max_items):
    runs = Runs(workflow(listing(max_items=max_items), each()))
    runs.server.troubles[page] = Killed()
    assert runs.run() is None
    assert runs.run().status == "succeeded"
    assert runs.server.pages == [*range(1, page + 1), *range(page, PAGES + 1)]
    assert runs.server.things == EVERY


def test_a_run_that_ended_between_the_last_page_and_its_result_asks_for_that_page_once_more():
    runs = Runs(workflow(listing(), outputs={"names": "{{ steps.list.outputs.names }}"}))
    runs.run()
    last = max(index for index, entry in enumerate(runs.journal.kept) if entry.kind == "page")
    del runs.journal.kept[last + 1 :]
    assert runs.run().outputs == {"names": EVERY}
    assert runs.server.pages == [1, 2, 3, 4, 5, 5]


def test_a_page_that_fails_is_retried_alone():
    runs = Runs(workflow(listing()))
    runs.server.troubles[3] = reply(503)
    assert runs.run().status == "succeeded"
    assert runs.server.pages == [1, 2, 3, 3, 4, 5]


@pytest.mark.parametrize("status", [400, 410])
def test_an_expired_cursor_is_named_and_the_list_read_again_from_its_first_page(status):
    runs = Runs(workflow(listing(), each()))
    runs.server.troubles[4] = Killed()
    runs.run()
    runs.server.troubles[4] = reply(status)
    result = runs.run()
    assert result.status == "succeeded"
    assert "cursorExpired" in {warning.code for warning in result.steps[0].outcome.warnings}
    assert runs.server.pages == [1, 2, 3, 4, 4, 1, 2, 3, 4, 5]
    assert runs.server.things == EVERY


def test_a_cursor_that_expires_again_and_again_fails_the_step():
    runs = Runs(workflow(listing()))
    runs.server.send = lambda request, timeouts: reply(200, data=[1], next=2) if "after" not in request.url else reply(410)
    result = runs.run()
    assert (result.status, result.failure.kind) == ("failed", "cursorExpired")


def test_a_cursor_that_may_not_be_stored_makes_a_resumed_run_begin_anew():
    secret = Redactor([Secret("after=3", reference="env:T")])
    runs = Runs(workflow(listing(), each()), lambda: secret)
    runs.server.troubles[4] = Killed()
    runs.run()
    assert "after=3" not in str(runs.journal.kept)
    runs.run()
    assert runs.server.pages == [1, 2, 3, 4, 1, 2, 3, 4, 5]


def test_items_of_a_streamed_list_are_done_once_over_all_processes():
    runs = Runs(workflow(listing(max_items=3), each()))
    send, deaths = runs.server.send, [Killed()]

    def dying(request, timeouts):
        if request.url.endswith("/t3a") and deaths:
            raise deaths.pop()
        return send(request, timeouts)

    runs.server.send = dying
    assert runs.run() is None
    assert runs.run().status == "succeeded"
    assert runs.server.things == EVERY


def test_the_last_page_that_is_asked_for_again_gives_its_items_once():
    runs = Runs(workflow(listing(max_items=3), each()))
    runs.run()
    last = max(index for index, entry in enumerate(runs.journal.kept) if entry.kind == "page")
    del runs.journal.kept[last + 1 :]
    runs.server.things.clear()
    assert runs.run().steps[1].counts == {"succeeded": 10}
    assert runs.server.things == EVERY
