"""Workflows used as steps of workflows: files found, inputs checked, circles and approvals refused."""

import pytest

from builders import template
from httptask import loader
from httptask.errors import WorkflowInvalid
from httptask.loader import load_workflow
from httptask.model import Output
from httptask.registry import Registry

TASK = template(id="acme.get", outputs={"id": Output("{{ response.body }}", {})})
REGISTRY = Registry({"acme.get": None}, None)
REGISTRY._loaded = {"acme.get": TASK}

INNER = """\
name: inner
inputs:
  type: object
  required: [size, colour, name]
  properties: {size: {type: integer}, colour: {type: string, default: red}, name: {type: string}}
steps:
  - {id: a, task: acme.get}
outputs: {made: '{{ steps.a.outputs.id }}'}
"""


def outer(step, rest=""):
    return f"name: outer\nsteps:\n  - {{id: use, {step}}}\n{rest}"


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def loaded(text, **files):
        (tmp_path / "sub").mkdir(exist_ok=True)
        for name, content in {"flow": text, "inner": INNER, **files}.items():
            (tmp_path / f"{name}.yaml").write_text(content, encoding="utf-8")
        return load_workflow(tmp_path / "flow.yaml", REGISTRY)

    return loaded


@pytest.fixture
def problems(load):
    def found(text, **files):
        with pytest.raises(WorkflowInvalid) as caught:
            load(text, **files)
        return [str(problem) for problem in caught.value.problems]

    return found


WITH = "with: {size: 1, name: x}"


def test_a_workflow_is_a_step_of_another_and_hands_its_outputs_on(load):
    workflow = load(outer(f"workflow: inner.yaml, {WITH}", "outputs: {x: '{{ steps.use.outputs.made }}'}\n"))
    assert (workflow.steps[0].workflow.name, workflow.steps[0].task) == ("inner", None)
    assert list(workflow.tasks()) == ["acme.get"]


def test_the_path_is_taken_from_the_folder_of_the_file_that_names_it(load, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "middle.yaml").write_text(outer(f"workflow: ../inner.yaml, {WITH}"))
    middle = load(outer("workflow: sub/middle.yaml")).steps[0].workflow
    assert middle.steps[0].workflow.name == "inner"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "with: {size: 1, name: x, colr: red}",
            "flow.yaml:3:62: the workflow 'inner' has no input 'colr' (did you mean 'colour'?)",
        ),
        ("with: {size: 1}", "flow.yaml:3:43: the workflow 'inner' needs the input 'name'"),
        ("with: {size: one, name: x}", "flow.yaml:3:50: size must be integer, is string"),
        ("if: '{{ true }}'", "flow.yaml:3:25: the workflow 'inner' needs the input 'size'"),
    ],
)
def test_what_is_given_is_checked_against_the_inputs(problems, given, message):
    assert problems(outer(f"workflow: inner.yaml, {given}"))[0] == message


@pytest.mark.parametrize("given", [WITH, "with: {size: '{{ 1 }}', name: x, colour: blue}"])
def test_what_has_a_default_may_be_left_out(load, given):
    load(outer(f"workflow: inner.yaml, {given}"))


@pytest.mark.parametrize(
    ("read", "message"),
    [
        ("steps.use.outputs.mad", "step 'use' has no output 'mad' (did you mean 'made'?)"),
        ("steps.use.response", "step 'use' runs a workflow, so it has no response (known: outputs, status)"),
        ("steps.a.outputs.id", "unknown step 'a' (steps: use)"),
    ],
)
def test_only_its_outputs_and_status_can_be_read(problems, read, message):
    found = problems(outer(f"workflow: inner.yaml, {WITH}", f"outputs: {{x: '{{{{ {read} }}}}'}}\n"))
    assert found == [f"flow.yaml:4:14: {message}"]


def test_a_fault_is_reported_in_its_own_file_and_once(problems):
    inner = INNER.replace("acme.get", "acme.gte")
    text = outer(
        f"workflow: inner.yaml, {WITH}", f"  - {{id: again, workflow: inner.yaml, {WITH}}}\n  - {{id: c, task: acme.gt}}\n"
    )
    assert [problem.partition(": ")[0] for problem in problems(text, inner=inner)] == ["inner.yaml:7:19", "flow.yaml:5:19"]


def test_a_file_of_the_wrong_shape_is_reported_in_its_own_place(problems):
    assert problems(outer("workflow: inner.yaml"), inner="name: x\nsteps: 5\n") == [
        "inner.yaml:2:8: steps must be array, is integer"
    ]


def test_what_an_unusable_workflow_gives_is_not_reported_again(problems):
    found = problems(outer("workflow: inner.yaml", "outputs: {x: '{{ steps.use.outputs.made }}'}\n"), inner="steps: []\n")
    assert all(problem.startswith("inner.yaml") for problem in found)


def test_a_missing_file_is_reported_where_it_is_named(problems):
    assert problems(outer("workflow: sub/other.yaml")) == [
        "flow.yaml:3:25: there is no file sub/other.yaml (the path is taken from the folder of the file that names it)"
    ]


def test_a_folder_is_no_file(problems, tmp_path):
    (tmp_path / "dir.yaml").mkdir()
    assert problems(outer("workflow: dir.yaml"))[0].startswith("flow.yaml:3:25: there is no file dir.yaml")


def test_a_circle_of_files_is_named(problems):
    found = problems(outer("workflow: inner.yaml"), inner=outer("workflow: sub/../last.yaml"), last=outer("workflow: inner.yaml"))
    assert found == [
        "last.yaml:3:25: workflow files use one another in a circle: inner.yaml -> last.yaml -> inner.yaml (break it)",
    ]


def test_a_file_that_uses_itself_is_a_circle(problems):
    assert problems(outer("workflow: flow.yaml"))[0].startswith(
        "flow.yaml:3:25: workflow files use one another in a circle: flow.yaml -> flow.yaml"
    )


def test_files_use_one_another_only_so_deep(problems, load):
    def files(depth):
        chain = {f"f{level}": outer(f"workflow: f{level + 1}.yaml") for level in range(2, depth)}
        return {**chain, f"f{depth}": outer("task: acme.get")}

    load(outer("workflow: f2.yaml"), **files(16))
    assert problems(outer("workflow: f2.yaml"), **files(17)) == [
        "f16.yaml:3:25: workflow files use one another more than 16 deep (use fewer levels)"
    ]


def test_a_file_used_twice_is_read_once(load, monkeypatch):
    read = []
    monkeypatch.setattr(loader, "read_bytes", lambda file, plain=loader.read_bytes: read.append(file.name) or plain(file))
    workflow = load(outer(f"workflow: inner.yaml, {WITH}", f"  - {{id: again, workflow: ./inner.yaml, {WITH}}}\n"))
    assert read == ["flow.yaml", "inner.yaml"]
    assert workflow.steps[0].workflow is workflow.steps[1].workflow


ASKS = outer("approve: hm")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            outer("workflow: asks.yaml, forEach: '{{ [1] }}'"),
            "3:25: the workflow 'outer' holds an approval, so it cannot be repeated",
        ),
        (
            outer("parallel: [{id: a, workflow: asks.yaml}]"),
            "3:44: the workflow 'outer' holds an approval, so it cannot run beside",
        ),
        (
            outer("wait: 1", "onFailure:\n  - {id: f, workflow: asks.yaml}\n"),
            "5:23: the workflow 'outer' holds an approval, so it cannot run on failure",
        ),
    ],
)
@pytest.mark.parametrize("deep", [False, True])
def test_a_workflow_that_asks_a_person_is_used_plainly_only(problems, text, message, deep):
    files = {"asks": outer("workflow: asking.yaml"), "asking": ASKS} if deep else {"asks": ASKS}
    assert problems(text, **files)[0].startswith(f"flow.yaml:{message}")


def test_a_workflow_that_asks_a_person_or_waits_may_be_a_step(load):
    load(outer("workflow: asks.yaml", "  - {id: w, workflow: waits.yaml}\n"), asks=ASKS, waits=outer("wait: 5"))
