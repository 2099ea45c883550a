"""What the adapter says and takes without any run: parameters, credentials, refusals."""

import importlib
import importlib.util
import inspect
import os
import subprocess
import sys
import uuid

import pytest

from httptask.errors import ConfigurationError, InputInvalid, UsageError
from httptask.loader import Library, load_workflow
from httptask.profiles import KEYS

REGISTRY = Library().registry()


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    if importlib.util.find_spec("prefect") is None:
        pytest.skip("Prefect is not installed here: tests/engines/run prefect")
    os.environ["PREFECT_HOME"] = str(tmp_path_factory.mktemp("home"))
    return importlib.import_module("httptask.engines.prefect")


@pytest.fixture(scope="module")
def parameters(adapter):
    return importlib.import_module("httptask.engines.prefect.parameters")


INPUTS = """
name: typed
inputs:
  type: object
  required: [many]
  properties:
    many: {type: integer}
    pools: {type: array, items: {type: string}}
    token: {type: string, format: password}
    kind: {enum: [AD, LDAP], default: AD}
steps:
  - id: one
    task: okta.list_agent_pools
"""


@pytest.fixture
def workflow(tmp_path):
    (tmp_path / "typed.yaml").write_text(INPUTS)
    return load_workflow(tmp_path / "typed.yaml", REGISTRY)


def test_the_block_has_the_keys_of_a_profile_and_no_other(adapter):
    assert set(adapter.HttpTaskCredentials.model_fields) == set(KEYS)


def test_a_block_gives_a_connection_and_shows_no_secret(adapter):
    block = adapter.HttpTaskCredentials(baseUrl="https://acme.okta.com", token="00abcdefgh")
    assert "00abcdefgh" not in repr(block)
    connection = block.connection(REGISTRY["okta.list_agent_pools"].provider)
    assert connection.secrets[0].reveal() == "SSWS 00abcdefgh"


@pytest.mark.parametrize(
    ("word", "told"), [("tokn", "did you mean 'token'"), ("allowHTTP", "did you mean 'allowHttp'"), ("verify", "'verify'")]
)
def test_a_field_that_a_block_does_not_have_is_refused_without_its_value(word, told, adapter):
    with pytest.raises(ConfigurationError, match=told) as caught:
        adapter.HttpTaskCredentials(baseUrl="https://acme.okta.com", **{word: "00abcdefgh"})
    assert "00abcdefgh" not in str(caught.value)


def test_a_block_that_was_saved_with_a_field_it_does_not_have_is_refused_by_its_name_when_it_is_used(adapter):
    block = adapter.HttpTaskCredentials.model_construct(baseUrl="https://acme.okta.com", tokn="00abcdefgh")
    block._block_document_name = "acme"
    with pytest.raises(ConfigurationError, match=r"httptask-credentials/acme.*'tokn'") as caught:
        block.connection(REGISTRY["okta.list_agent_pools"].provider)
    assert "00abcdefgh" not in str(caught.value)


def test_a_saved_block_with_a_field_it_does_not_have_is_refused_by_its_name_when_a_task_loads_it(adapter, monkeypatch):
    connecting = importlib.import_module("httptask.engines.prefect.connecting")
    saved = {"baseUrl": "https://acme.okta.com", "tokn": "00abcdefgh"}
    monkeypatch.setattr(adapter.HttpTaskCredentials, "load", lambda *_, **__: adapter.HttpTaskCredentials.model_validate(saved))
    with connecting.host("acme") as host, pytest.raises(ConfigurationError, match=r"httptask-credentials/acme.*'tokn'"):
        host.connection(REGISTRY["okta.list_agent_pools"].provider)


def test_what_prefect_itself_gives_a_block_is_taken(adapter):
    block = adapter.HttpTaskCredentials(
        baseUrl="https://acme.okta.com", token="00abcdefgh", block_type_slug="httptask-credentials"
    )
    given = {**block.model_dump(), "_block_document_id": uuid.uuid4(), "_block_document_name": "acme", "_is_anonymous": False}
    for again in (adapter.HttpTaskCredentials.model_validate({**given}), adapter.HttpTaskCredentials(**given)):
        assert again.connection(REGISTRY["okta.list_agent_pools"].provider).base_url == "https://acme.okta.com"


def test_one_of_several_kinds_of_blocks_is_found_by_its_slug(adapter):
    from prefect.blocks.system import Secret
    from pydantic import TypeAdapter

    kinds = TypeAdapter(adapter.HttpTaskCredentials | Secret)
    assert isinstance(kinds.validate_python({"value": "x", "block_type_slug": "secret"}), Secret)


def test_a_block_that_is_not_complete_says_so_without_its_secrets(adapter):
    with pytest.raises(ValueError, match="baseUrl") as caught:
        adapter.HttpTaskCredentials(token="00abcdefgh")
    assert "00abcdefgh" not in str(caught.value)


def test_a_block_for_another_api_is_refused(adapter):
    block = adapter.HttpTaskCredentials(provider="notes", baseUrl="https://notes.example.com", token="00abcdefgh")
    with pytest.raises(ConfigurationError, match="notes"):
        block.connection(REGISTRY["okta.list_agent_pools"].provider)


def test_of_several_blocks_the_one_that_is_for_an_api_is_taken(adapter):
    connecting = importlib.import_module("httptask.engines.prefect.connecting")
    provider = REGISTRY["okta.list_agent_pools"].provider
    notes = adapter.HttpTaskCredentials(provider="notes", baseUrl="https://notes.example.com", token="00abcdefgh")
    okta = adapter.HttpTaskCredentials(baseUrl="https://acme.okta.com", token="00ijklmnop")
    with connecting.host([notes, okta]) as host:
        assert host.connection(provider).base_url == "https://acme.okta.com"
    with connecting.host([notes]) as host, pytest.raises(ConfigurationError, match="0 of these 1 blocks are for okta"):
        host.connection(provider)


def test_a_flow_has_the_workflows_inputs_as_typed_parameters(parameters, workflow):
    found = parameters.signature(workflow).parameters
    assert found["many"].default is inspect.Parameter.empty
    assert found["kind"].default == "AD"
    assert found["pools"].default is None
    assert found["many"].annotation.__origin__ is int
    assert found["token"].annotation.__origin__ == str | None


def test_inputs_that_were_not_given_are_not_there(parameters, workflow):
    assert parameters.given(workflow, {"many": 1, "pools": None, "token": None, "kind": "AD"}) == {"many": 1, "kind": "AD"}


def test_a_secret_is_given_as_a_reference(parameters, workflow, monkeypatch):
    monkeypatch.setenv("A_TOKEN", "00abcdefgh")
    assert parameters.given(workflow, {"many": 1, "token": "env:A_TOKEN"})["token"] == "00abcdefgh"
    with pytest.raises(ConfigurationError) as caught:
        parameters.given(workflow, {"many": 1, "token": "00abcdefgh"})
    assert "00abcdefgh" not in str(caught.value)


def test_a_name_that_no_parameter_can_have_is_refused_when_the_file_is_loaded(adapter, tmp_path):
    (tmp_path / "dashes.yaml").write_text(INPUTS.replace("pools:", "pool-ids:"))
    with pytest.raises(InputInvalid, match="pool-ids"):
        adapter.flow_from_workflow(tmp_path / "dashes.yaml")


def test_a_flow_says_where_a_worker_finds_it(adapter, tmp_path):
    (tmp_path / "typed.yaml").write_text(INPUTS)
    flow = adapter.flow_from_workflow(tmp_path / "typed.yaml")
    assert (flow.__module__, flow.fn.__qualname__, flow.name) == (__name__, "typed", "typed")


def test_what_httptask_decides_is_not_handed_to_prefect(adapter):
    task = adapter.task_from_template("okta.list_agent_pools")
    with pytest.raises(UsageError, match="retries"):
        task.with_options(retries=3)
    again = task.with_options(name="mine")
    assert type(again) is type(task)
    assert (again.retries, again.persist_result) == (0, False)


def test_a_tasks_step_stays_with_its_copies(adapter):
    assert adapter.task_from_template("okta.list_agent_pools", step="pools").with_options(name="mine").step == "pools"


def test_inputs_are_checked_and_texts_read_before_anything_else(adapter):
    tasks = importlib.import_module("httptask.engines.prefect.tasks")
    template = REGISTRY["okta.list_agent_pools"]
    assert tasks.checked(template, {"limitPerPoolType": "5"}) == {"limitPerPoolType": 5}
    with pytest.raises(InputInvalid, match="poolTypo"):
        tasks.checked(template, {"poolTypo": "AD"})


def test_an_unknown_template_is_told_when_the_task_is_made(adapter):
    with pytest.raises(Exception, match="list_agent_pool"):
        adapter.task_from_template("okta.list_agent_pool")


def test_httptask_alone_imports_no_prefect():
    code = "import sys, httptask, httptask.hosted.turns; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
