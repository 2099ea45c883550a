# The golden files hold what each template's own examples are rendered to, byte for byte. After a change that is meant:
#
#     HTTPTASK_UPDATE_GOLDEN=1 pytest tests/unit/test_golden_requests.py
#
# writes them anew; look at the difference before it is kept.
import os

import pytest

from golden.examples import FOLDER, REGISTRY, TASKS, TOKEN, example_inputs, golden_file, rendered, shown

UPDATE = os.environ.get("HTTPTASK_UPDATE_GOLDEN") == "1"


@pytest.mark.parametrize("task", TASKS)
def test_every_template_renders_its_examples_to_its_golden_request(task):
    content = shown(rendered(task))
    if UPDATE:
        golden_file(task).parent.mkdir(exist_ok=True)
        golden_file(task).write_bytes(content)
    assert golden_file(task).read_bytes() == content


def test_there_is_a_golden_request_for_each_task_and_no_other():
    assert {file.parent.name for file in FOLDER.glob("*/request.http")} == set(TASKS)
    assert len(TASKS) == 14


@pytest.mark.parametrize("task", TASKS)
def test_the_examples_give_every_input(task):
    assert None not in example_inputs(REGISTRY[task]).values()


@pytest.mark.parametrize("task", TASKS)
def test_a_golden_request_says_what_the_template_says(task):
    template = REGISTRY[task]
    head, _, body = golden_file(task).read_text(encoding="utf-8").partition("\n\n")
    method, _, url = head.split("\n")[0].partition(" ")
    assert method == template.method
    assert url.split("?")[0].count("/") == template.provider.default_url.count("/") + template.path.count("/")
    assert bool(body.strip()) == (template.body is not None)
    assert "\nAuthorization: ***" in head
    assert TOKEN not in head


@pytest.mark.parametrize("task", TASKS)
def test_rendering_twice_gives_the_same_bytes(task):
    again = rendered.__wrapped__(task)
    assert (again.url, again.headers, again.body) == (rendered(task).url, rendered(task).headers, rendered(task).body)
