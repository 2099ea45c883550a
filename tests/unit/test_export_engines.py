"""Copied uses of a task under each engine: what the adapter is called with is what the call was given."""

import contextlib
import json
import shutil
import subprocess
import sys
import sysconfig
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from builders import body, connection, parameter, template
from httptask.errors import InputInvalid, UsageError
from httptask.export import EXPORTERS
from httptask.export.gathering import Call, subject_of
from httptask.runner import Options

RUFF = shutil.which("ruff") or shutil.which("ruff", path=sysconfig.get_path("scripts"))
SECRET = {"type": "string", "format": "password"}
TASK = template(
    id="acme.make_thing",
    method="POST",
    path="/a/{{ id }}",
    parameters=(parameter("id", "path"), parameter("If-Match", "header"), parameter("word", schema=SECRET)),
    body=body(),
)
PYTHON = ("airflow", "prefect", "dagster", "temporal")
TEXTS = st.sampled_from(["{{ ds }}", "${x}", "$${x}", "{% if %}", "it's", 'a "b"', "\\", "a\nb", "é"]) | st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8
)


def exported(form, inputs, **options):
    return EXPORTERS[form].export(subject_of(Call(TASK, inputs, connection(name="prod"), Options(**options))))


class Recorder(ModuleType):
    """A module of an engine, of which everything can be called, and which remembers with what."""

    def __init__(self, name, calls):
        super().__init__(name)
        self.__path__ = []
        self._calls = calls

    def __getattr__(self, name):
        def called(*given, **named):
            if len(given) == 1 and callable(given[0]):
                return given[0]
            self._calls.append((name, given, named))
            return called

        called.defn = called.run = lambda found: found
        called.unsafe = SimpleNamespace(imports_passed_through=_Nothing)
        return called


class _Nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def run(text, monkeypatch, **environment):
    calls = []
    names = ["airflow", "prefect", "dagster", "temporalio", *(f"httptask.engines.{engine}" for engine in PYTHON)]
    for name in names:
        monkeypatch.setitem(sys.modules, name, Recorder(name, calls))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    scope = {"__name__": "copied"}
    exec(compile(text, "copied", "exec"), scope)  # noqa: S102 - that it runs is what is tested
    return calls, scope


INPUTS = {"id": "x", "If-Match": 'W/"1"', "body": {"list": [1, None, True, 2.5], "text": "{{ ds }} ${x}"}}


def test_an_operator_has_the_inputs_once_airflow_has_rendered_them(monkeypatch):
    calls, _ = run(exported("airflow", INPUTS, retry={"maxAttempts": 2}).text, monkeypatch)
    [(name, _, named)] = calls
    assert name == "HttpTaskOperator"
    assert (named["task_id"], named["task"], named["conn_id"]) == ("make_thing", "acme.make_thing", "prod")
    assert named["retry"] == {"maxAttempts": 2}
    assert rendered(named["inputs"]) == INPUTS


def rendered(value):
    if isinstance(value, dict):
        return {key: rendered(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rendered(item) for item in value]
    return Environment(autoescape=False).from_string(value).render() if isinstance(value, str) else value  # noqa: S701 - as Airflow


def test_a_flow_calls_the_task_with_the_inputs(monkeypatch):
    calls, scope = run(exported("prefect", INPUTS, idempotent=True).text, monkeypatch)
    scope["make_thing_flow"]()
    assert calls == [
        ("task_from_template", (), {"task_id": "acme.make_thing", "idempotent": True}),
        ("task_from_template", (), INPUTS),
    ]


def test_an_op_is_given_the_inputs(monkeypatch):
    calls, _ = run(exported("dagster", INPUTS).text, monkeypatch)
    assert calls[0] == ("op_from_template", (), {"task": "acme.make_thing", "name": "make_thing", "inputs": INPUTS})


def test_workflow_code_gives_the_activity_the_inputs_and_options(monkeypatch):
    text = exported("temporal", INPUTS, headers={"X-A": "b"}, deadline=30).text
    argument = text.partition("execute_task(\n")[2].rpartition(")")[0]
    assert eval(f"({argument})") == ("acme.make_thing", INPUTS, {"headers": {"X-A": "b"}, "timeout": 30})  # noqa: S307 - as above


def test_a_task_of_conductor_keeps_what_looks_like_its_expressions():
    task = json.loads(exported("conductor", INPUTS, deadline=30).text)
    assert (task["name"], task["taskReferenceName"], task["type"]) == ("acme.make_thing", "make_thing", "SIMPLE")
    assert task["inputParameters"]["body"]["text"] == "{{ ds }} $${x}"
    assert task["inputParameters"]["httptask"] == {"timeout": 30}


@pytest.mark.parametrize("form", ["airflow", "prefect", "dagster"])
def test_a_secret_input_is_read_from_the_environment(form, monkeypatch):
    text = exported(form, {"id": "x", "word": "canary-1234"}).text
    assert "canary" not in text
    assert "import os" in text
    calls, scope = run(text, monkeypatch, **dict.fromkeys(variables_of(text), "canary-1234"))
    scope.get("make_thing_flow", lambda: None)()
    assert "canary-1234" in repr(calls)


def variables_of(text):
    return [line.partition('os.environ["')[2].partition('"')[0] for line in text.splitlines() if "os.environ[" in line]


def test_a_secret_that_a_history_would_keep_is_refused():
    with pytest.raises(InputInvalid, match="Temporal would keep this secret in its history"):
        exported("temporal", {"id": "x", "word": "canary-1234"})


def test_a_secret_is_conductors_own():
    found = exported("conductor", {"id": "x", "word": "canary-1234"})
    assert json.loads(found.text)["inputParameters"]["word"].startswith("${workflow.secrets.")
    assert any("CONDUCTOR_SECRET_" in note.message for note in found.notes)


@given(st.dictionaries(st.sampled_from(["id", "If-Match"]), TEXTS.filter(bool), min_size=1), st.recursive(TEXTS, st.lists))
def test_whatever_the_texts_are_airflow_renders_them_to_themselves(given_inputs, value):
    inputs = {"id": "x", **given_inputs, "body": value}
    with contextlib.suppress(UsageError):  # a header or path that cannot be sent is no matter of this form
        assert_rendered_to_itself(inputs)


def assert_rendered_to_itself(inputs):
    text = exported("airflow", inputs).text
    with pytest.MonkeyPatch.context() as patched:
        [(_, _, named)] = run(text, patched)[0]
    assert rendered(named["inputs"]) == inputs


@pytest.mark.skipif(RUFF is None, reason="ruff is not installed")
@pytest.mark.parametrize("form", PYTHON)
def test_what_is_written_is_formatted_and_without_fault(form, tmp_path):
    file = tmp_path / "copied.py"
    file.write_text(exported(form, INPUTS).text, encoding="utf-8")
    for command in (["format", "--check", "--isolated"], ["check", "--isolated", "--select", "E,F,W"]):
        done = subprocess.run([RUFF, *command, str(file)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr + file.read_text()
