"""Groups, waits, approvals, paging, repeated steps, time limits and `onFailure`, as a workflow file says them."""

import pytest

from builders import body, parameter, provider, template
from httptask.errors import WorkflowInvalid
from httptask.loader import load_workflow
from httptask.model import ForEach, Output, Paginate, Paging, Until
from httptask.registry import Registry

TASKS = {
    "acme.list": template(
        id="acme.list",
        provider=provider(paging=Paging("link")),
        parameters=(parameter("limit", schema={"type": "integer"}),),
        outputs={"ids": Output("{{ response.body }}", {"type": "array"})},
    ),
    "acme.make": template(
        id="acme.make",
        method="POST",
        body=body(schema={"type": "object"}),
        outputs={"made": Output("{{ response.body.id }}", {})},
    ),
}
REGISTRY = Registry(dict.fromkeys(TASKS, None), None)
REGISTRY._loaded = dict(TASKS)


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        (tmp_path / "flow.yaml").write_text("name: w\n" + text, encoding="utf-8")
        return load_workflow(tmp_path / "flow.yaml", REGISTRY)

    return loaded


@pytest.fixture
def problems(load, tmp_path):
    def found(text):
        with pytest.raises(WorkflowInvalid) as caught:
            load(text)
        return [str(problem).removeprefix(f"{tmp_path}/flow.yaml:") for problem in caught.value.problems]

    return found


def steps(*lines):
    """Return a list of steps; the first one stands on line 3."""
    return "steps:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


LIST = "id: a, task: acme.list"


def test_every_kind_of_step_is_read(load):
    text = steps(
        LIST,
        "id: both, parallel: [{id: b, task: acme.make}, {id: c, wait: 2}], continueOnError: true, timeout: 1m, summary: Both",
        "id: pause, wait: 90s, if: '{{ true }}'",
        "id: ask, approve: 'Go on with {{ steps.a.outputs.ids | length }}?', summary: Ask",
    )
    group, pause, ask = load(text).steps[1:]
    assert [step.id for step in group.parallel] == ["b", "c"]
    assert (group.continue_on_error, group.timeout, group.summary, group.parallel[1].wait) == (True, 60.0, "Both", 2.0)
    assert (pause.wait, pause.condition, pause.approve) == (90.0, "{{ true }}", None)
    assert (ask.approve, ask.summary) == ("Go on with {{ steps.a.outputs.ids | length }}?", "Ask")


def test_a_workflow_has_a_time_limit_and_steps_for_its_failure(load):
    workflow = load("timeout: 2h\n" + steps(LIST) + "onFailure:\n  - {id: tell, task: acme.make}\n")
    assert (workflow.timeout, [step.id for step in workflow.on_failure]) == (7200.0, ["tell"])
    assert [step.id for step in workflow.every_step()] == ["a", "tell"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("forEach: '{{ [1] }}'", ForEach("{{ [1] }}", 1, "stop")),
        ("forEach: '{{ [1] }}', continueOnError: true", ForEach("{{ [1] }}", 1, "continue")),
        ("forEach: {items: '{{ [1] }}', maxParallel: 256}", ForEach("{{ [1] }}", 256, "stop")),
        ("forEach: {items: '{{ [1] }}', onError: continue}", ForEach("{{ [1] }}", 1, "continue")),
        ("forEach: {items: '{{ [1] }}', onError: stop}, continueOnError: true", ForEach("{{ [1] }}", 1, "stop")),
    ],
)
def test_for_each_says_how_many_at_a_time_and_what_follows_from_a_failed_item(load, text, expected):
    assert load(steps(f"{LIST}, {text}")).steps[0].for_each == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{}", Paginate()), ("{maxPages: 3}", Paginate(3)), ("{maxPages: 3, maxItems: 100}", Paginate(3, 100))],
)
def test_pages_are_read_up_to_a_limit(load, text, expected):
    assert load(steps(f"{LIST}, paginate: {text}")).steps[0].paginate == expected


def test_a_time_limit_belongs_to_the_step_or_with_until_to_the_asking(load):
    plain, polled = load(steps(f"{LIST}, timeout: 30s", "id: b, task: acme.list, until: '{{ true }}', timeout: 30s")).steps
    assert (plain.timeout, plain.until) == (30.0, None)
    assert (polled.timeout, polled.until) == (None, Until("{{ true }}", None, 5.0, 30.0))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("id: b", "3:5: steps[0] is not written as it must be (a step has exactly one of task, workflow, parallel, wait and"),
        ("id: b, task: acme.list, wait: 5", "3:5: steps[0] is not written as it must be (a step has exactly one of"),
        ("id: b, wait: 5, forEach: '{{ [1] }}'", "3:22: steps[0].forEach is not allowed here (a step with wait takes only if"),
        ("id: b, approve: hm, with: {}", "3:26: steps[0].with is not allowed here (a step with approve takes only if and"),
        ("id: b, approve: hm, timeout: 5", "3:26: steps[0].timeout is not allowed here (a step with approve takes only if"),
        ("id: b, parallel: [], if: '{{ true }}'", "3:23: steps[0].parallel must have at least 1 items"),
        (
            "id: b, parallel: [{id: c, wait: 1}], forEach: '{{ [1] }}'",
            "3:43: steps[0].forEach is not allowed here (a step with parallel takes only if, continueOnError, timeout",
        ),
        (
            "id: b, parallel: [{id: c, parallel: [{id: d, wait: 1}]}]",
            "3:32: steps[0].parallel[0].parallel is not allowed here (groups do not nest",
        ),
        (
            "id: b, parallel: [{id: c, approve: hm}]",
            "3:32: steps[0].parallel[0].approve is not allowed here (an approval holds up the whole run",
        ),
        ("id: b, workflow: x.yaml, outputs: {a: 1}", "3:31: steps[0].outputs is not allowed here (a step with workflow takes"),
        ("id: b, workflow: /x.yaml", "3:23: steps[0].workflow is not written as it must be (write the path of a workflow file"),
        ("id: b, workflow: '{{ inputs.x }}.yaml'", "3:23: steps[0].workflow is not written as it must be"),
        ("id: b, workflow: x", "3:23: steps[0].workflow is not written as it must be"),
        ("id: b, wait: '{{ 5 }}'", "3:19: steps[0].wait is not written as it must be (write a number of seconds, or text like"),
        ("id: b, wait: 0", "3:19: steps[0].wait must be more than 0"),
        ("id: b, approve: ''", "3:22: steps[0].approve must have at least 1 characters"),
        (
            f"{LIST}, paginate: {{}}, until: '{{{{ true }}}}'",
            "3:44: steps[0].until is not allowed here (`until` asks for one answer again and again",
        ),
        (f"{LIST}, paginate: {{maxPages: 0}}", "3:51: steps[0].paginate.maxPages must be at least 1"),
        (f"{LIST}, paginate: {{pages: 1}}", "3:41: unknown key 'pages' in steps[0].paginate"),
        (f"{LIST}, forEach: {{maxParallel: 2}}", "3:39: 'items' is missing in steps[0].forEach"),
        (
            f"{LIST}, forEach: {{items: '{{{{ [] }}}}', maxParallel: 257}}",
            "3:72: steps[0].forEach.maxParallel must be at most 256",
        ),
        (
            f"{LIST}, forEach: {{items: '{{{{ [] }}}}', onError: go}}",
            "3:68: steps[0].forEach.onError must be one of stop, continue",
        ),
        (f"{LIST}, forEach: {{items: abc}}", "3:47: steps[0].forEach.items is not written as it must be (write one expression"),
        (f"{LIST}, forEach: [1, 2]", "3:39: steps[0].forEach must be string or object, is array"),
    ],
)
def test_keys_that_do_not_go_together_are_refused_with_their_place(problems, line, message):
    assert problems(steps(line))[0].startswith(message)


def test_an_approval_on_failure_is_refused(problems):
    found = problems(steps(LIST) + "onFailure:\n  - {id: b, approve: hm}\n")
    assert found == ["5:13: onFailure[0].approve is not allowed here (what is done on failure does not wait for a person)"]


def test_ids_are_unique_over_groups_and_failure_steps(problems):
    text = steps(LIST, "id: b, parallel: [{id: a, wait: 1}, {id: c, wait: 1}]") + "onFailure:\n  - {id: c, wait: 1}\n"
    assert problems(text) == [
        "4:29: step 'a' stands here twice (give each step its own id)",
        "6:10: step 'c' stands here twice (give each step its own id)",
    ]


GROUP = "id: g, parallel: [{id: b, task: acme.make}, {id: c, task: acme.list, with: {limit: '{{ VALUE }}'}}]"


@pytest.mark.parametrize(
    ("read", "message"),
    [
        ("steps.b.outputs.made", "step 'b' runs at the same time (a step in `parallel` reads only what stands above its group)"),
        ("steps.g.status", "step 'g' runs at the same time (a step in `parallel` reads only what stands above its group)"),
        ("steps.c.status", "step 'c' has not run yet here (a step can read only steps above it)"),
        ("steps.z.status", "step 'z' has not run yet here (a step can read only steps above it)"),
        ("steps.f.status", "step 'f' runs only when a step has failed (only the steps of `onFailure` below it can read it)"),
    ],
)
def test_a_step_of_a_group_reads_only_what_stands_above_the_group(problems, read, message):
    text = steps(LIST, GROUP.replace("VALUE", read), "id: z, wait: 1") + "onFailure:\n  - {id: f, wait: 1}\n"
    assert problems(text) == [f"4:89: {message}"]


def test_a_step_of_a_group_reads_what_stands_above(load):
    load(steps(LIST, GROUP.replace("VALUE", "steps.a.outputs.ids[0]")))


KINDS = steps(
    "id: a, task: acme.list, paginate: {}, outputs: {first: 1}",
    "id: g, parallel: [{id: b, task: acme.make}]",
    "id: w, wait: 1",
    "id: ask, approve: hm",
)


@pytest.mark.parametrize(
    "read",
    [
        "steps.a.outputs.ids",
        "steps.a.outputs.items",
        "steps.a.outputs.first",
        "steps.a.status",
        "steps.b.outputs.made",
        "steps.b.response.body",
        "steps.g.status",
        "steps.w.status",
        "steps.ask.status",
    ],
)
def test_what_a_kind_of_step_has_can_be_read(load, read):
    load(KINDS + f"outputs: {{x: '{{{{ {read} }}}}'}}\n")


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (
            "steps.a.response.body",
            "step 'a' reads several pages, so it has no one response (read its outputs; `outputs.items` is",
        ),
        ("steps.a.outputs.itemz", "step 'a' has no output 'itemz' (did you mean 'items'?)"),
        ("steps.g.outputs", "step 'g' is a group, so it has no outputs (read its inner steps by their ids)"),
        ("steps.w.outputs.x", "step 'w' is a wait, so it has no outputs (known: status)"),
        ("steps.ask.response", "step 'ask' is an approval, so it has no response (known: status)"),
        ("steps.ask.answer", "unknown name 'steps.ask.answer' (known: status)"),
    ],
)
def test_what_a_kind_of_step_has_not_cannot_be_read(problems, read, message):
    assert problems(KINDS + f"outputs: {{x: '{{{{ {read} }}}}'}}\n")[0].startswith(f"7:14: {message}")


def test_a_message_of_an_approval_reads_what_stands_above(problems):
    assert problems(steps("id: a, approve: 'Go on, {{ steps.b.status }}?'")) == ["3:22: unknown step 'b' (steps: a)"]


def test_on_failure_every_step_can_be_read_whether_it_ran_or_not(load):
    read = "{{ steps.a.status == 'notRun' or steps.b.outputs.made or steps.g.status == steps.w.status }}"
    first, then = f'{{id: f, task: acme.make, if: "{read}"}}', "{id: h, wait: 1, if: '{{ steps.f.status == 1 }}'}"
    assert len(load(f"{KINDS}onFailure:\n  - {first}\n  - {then}\n").on_failure) == 2


def test_steps_on_failure_read_only_those_above_them(problems):
    found = problems(steps(LIST) + "onFailure:\n  - {id: f, wait: 1, if: '{{ steps.h.status == 1 }}'}\n  - {id: h, wait: 1}\n")
    assert found == ["5:26: step 'h' has not run yet here (a step can read only steps above it)"]


def test_outputs_cannot_read_what_runs_on_failure(problems):
    found = problems(steps(LIST) + "onFailure:\n  - {id: f, wait: 1}\noutputs: {x: '{{ steps.f.status }}'}\n")
    assert found == ["6:14: step 'f' runs only when a step has failed (only the steps of `onFailure` below it can read it)"]


def test_a_task_without_paging_cannot_be_paginated(problems):
    (found,) = problems(steps("id: a, task: acme.make, paginate: {}"))
    assert found.startswith(
        "3:30: acme.make does not say how its list goes on, so there are no further pages to read (add `paging`"
    )


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("{{ response.bdy }}", "unknown name 'response.bdy' (known: status, headers, body)"),
        ("{{ steps.a.status }}", "unknown name 'steps'"),
        ("{{ inputs.limi }}", "the task has no input 'limi' (its inputs: limit)"),
        ("{{ 1 + }}", "{{ 1 + }}: not an expression"),
    ],
)
def test_a_retry_condition_is_checked_too(problems, condition, message):
    assert problems(steps(f"{LIST}, retry: {{condition: '{condition}'}}"))[0].startswith(f"3:49: {message}")
