# A copied step, pasted into a workflow file, renders the very request that it was copied of.
import json
import textwrap

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import body, connection, parameter, template
from golden.examples import REGISTRY as SHIPPED
from golden.examples import TASKS, example_inputs
from httptask.documents import parse
from httptask.errors import UsageError
from httptask.export import EXPORTERS
from httptask.export.gathering import Call, subject_of
from httptask.expressions import evaluate_text, evaluate_tree
from httptask.inputs import check
from httptask.loader import load_workflow
from httptask.model import Paginate
from httptask.registry import Registry
from httptask.render import build
from httptask.runner import Options

SECRET = {"type": "string", "format": "password"}
TASK = template(
    method="POST",
    path="/a/{{ id }}",
    parameters=(
        *(parameter("id", "path"), parameter("q"), parameter("If-Match", "header"), parameter("tags", schema={"type": "array"})),
        *(parameter("limit", schema={"type": "integer"}), parameter("pin", schema={"type": "integer", "format": "password"})),
        parameter("word", schema=SECRET),
    ),
    body=body(),
)
REGISTRY = Registry({TASK.id: None}, None)
REGISTRY._loaded = {TASK.id: TASK}
#: What YAML 1.1, YAML 1.2 or Jinja might take for something else than text.
ODD = st.sampled_from(
    [
        *("{{ x }}", "{{", "}}", "{% raw %}", "{%", "{#", "#}", "'{{ inputs.id }}'", "\\{{", "{{ '\\' }}", "{{\n}}"),
        *("{{ b }} 'c\\n'", "on", "no", "yes", "null", "~", "1", "1e5", "0o17", "0x1f", "1_000", "12:30", ".5", "2026-01-01"),
        *("=", "<<", "-", "- a", "? a", "a: b", "a #b", "#", "*a", "&a", "!a", "@a", "`a", "%a", "|", ">", "'", '"', "\\", " a"),
        *("a ", "", "\n", "a\nb\n", "\t", "\r\n", "\x7f", "\x85", "\u2028", "\ufeff", "\U0001f600", "é", "\u202e", "a" * 300),
        *(".inf", "true", "---", "..."),
    ]
)
TEXT = ODD | st.text(st.characters(codec="utf-8"), max_size=12) | st.lists(ODD, max_size=3).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def exported(call, **more):
    return EXPORTERS["step"].export(subject_of(call, **more))


def step_of(text):
    """Return the one step of an export, as the file says it."""
    (step,) = parse(text.encode(), file="step.yaml").data
    return step


def pasted(text, folder, registry=REGISTRY, inputs=""):
    """Paste a step below `steps:` and return it as the workflow file has it."""
    (folder / "flow.yaml").write_text(f"name: w\n{inputs}steps:\n{textwrap.indent(text, '  ')}", encoding="utf-8")
    (step,) = load_workflow(folder / "flow.yaml", registry).steps
    return step


def rendered(step, task, secrets=()):
    context = {"inputs": dict(secrets), "steps": {}}
    headers = {name: evaluate_text(text, context) for name, text in step.headers.items()}
    inputs = evaluate_tree(step.inputs, context)
    check(task, inputs)
    return build(task, inputs, connection(), headers)


@pytest.mark.parametrize("task", TASKS)
def test_every_shipped_task_is_copied(task, tmp_path):
    inputs = example_inputs(SHIPPED[task])
    step = pasted(exported(Call(SHIPPED[task], inputs, connection())).text, tmp_path, SHIPPED)
    assert (step.id, step.task) == (task.partition(".")[2], task)
    assert rendered(step, SHIPPED[task]) == build(SHIPPED[task], inputs, connection())


@settings(
    max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.fixed_dictionaries(
        {"id": TEXT.map(lambda text: f"x{text}")},
        optional={"q": TEXT, "tags": st.lists(TEXT, max_size=3), "limit": st.integers(), "body": JSON},
    )
)
def test_whatever_the_values_are_the_step_has_the_same(tmp_path, inputs):
    try:
        call = Call(TASK, inputs, connection())
        text, request = exported(call).text, build(TASK, inputs, connection())
    except UsageError:
        return
    if "#" not in text.partition("- id")[0]:  # no field has a sensitive name, which would be an input of the workflow
        assert rendered(pasted(text, tmp_path), TASK) == request
        assert evaluate_tree(step_of(text)["with"], {"inputs": {}}) == inputs


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(JSON)
def test_what_is_written_is_read_the_same_by_this_reader_and_by_others(data):
    from httptask.documents import to_yaml

    written = to_yaml([data])
    assert parse(written.encode(), file="x.yaml").data == [data]
    assert json.dumps(yaml.safe_load(written)) == json.dumps([data])


VISIBLE = st.lists(
    st.sampled_from(["{{ x }}", "{{", "}}", "{%", "'", '"', "\\", "a", " b", "#", ":", "{", "%}"]), min_size=1
).map("".join)


@settings(
    max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(VISIBLE.map(lambda text: f"x{text}x"))
def test_headers_of_the_call_are_headers_of_the_step(tmp_path, value):
    call = Call(TASK, {"id": "a"}, connection(), Options(headers={"X-Call": value}))
    step = pasted(exported(call).text, tmp_path)
    assert rendered(step, TASK).headers.all("X-Call") == (value,)


def test_secrets_become_inputs_of_the_workflow(tmp_path):
    inputs = {"id": "a", "pin": 1234, "word": "secret-word", "body": {"password": "p{{ w }}", "deep": [{"token": "t"}]}}
    call = Call(TASK, inputs, connection(), Options(headers={"X-Vault-Token": "v", "X-Auth-Token": "Bearer b"}))
    text = exported(call).text
    comment = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("#")]
    asked = "\n".join(comment[comment.index("inputs:") :]) + "\n"
    step = pasted(text, tmp_path, inputs=asked)
    values = {"pin": "1234", "word": "secret-word", "body_password": "p{{ w }}", "body_deep_0_token": "t"}
    values |= {"header_x_vault_token": "v", "header_x_auth_token": "b"}
    schema = parse(asked.encode(), file="x.yaml").data["inputs"]
    assert schema["required"] == list(schema["properties"]) == list(values)
    assert {item["format"] for item in schema["properties"].values()} == {"password"}
    assert rendered(step, TASK, values) == build(TASK, inputs, connection(), call.options.headers)
    assert comment[:2] == ["The workflow needs these inputs, each given by reference:", "  -i pin=env:HTTPTASK_INPUT_PIN"]


def test_what_the_caller_said_is_said_in_the_step(tmp_path):
    options = Options(retry={"maxAttempts": 2, "statuses": [418]}, idempotent=False, deadline=2.5)
    call = Call(TASK, {"id": "a"}, connection(), options)
    step = pasted(exported(call).text, tmp_path)
    assert (step.retry, step.idempotent, step.timeout) == ({"maxAttempts": 2, "statuses": [418]}, False, 2.5)
    assert "with" not in step_of(exported(Call(template(), {}, connection())).text)
    assert step_of(exported(call, paginate=Paginate(3)).text)["paginate"] == {"maxPages": 3}
    assert step_of(exported(call, paginate=Paginate()).text)["paginate"] == {}


def test_what_a_step_cannot_say_is_a_loss():
    call = Call(TASK, {"id": "a"}, connection(source="connection prod in x"), Options(allow_unknown_enum=True))
    notes = exported(call, paginate=Paginate(None, 5)).notes
    assert [note.kind for note in notes] == ["hint", "loss", "loss"]
    assert notes[0].message == "run it over the same connection: connection prod in x"


def test_a_step_reads_well():
    inputs = {"id": "0oa1", "q": "two words", "tags": ["a", "b"], "limit": 5, "body": {"on": "on", "n": None, "e": {}, "l": []}}
    assert exported(Call(TASK, inputs, connection())).text == textwrap.dedent("""\
        - id: do_thing
          task: acme.do_thing
          with:
            id: 0oa1
            q: two words
            tags:
            - a
            - b
            limit: 5
            body:
              'on': 'on'
              n: null
              e: {}
              l: []
        """).replace("'n'", "n")
