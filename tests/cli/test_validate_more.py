import pytest

from httptask.cli import main

pytestmark = pytest.mark.broad

PROVIDER = "id: acme\ntitle: Acme\nservers: [{url: 'https://api.example.com'}]\n"
TASK = "id: acme.ping\nmethod: GET\npath: /ping\nresponses: {'200': {description: OK}}\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "provider.yaml").write_text(PROVIDER)
    (tmp_path / "one.yaml").write_text(TASK)
    return tmp_path


def problem(capsys, path):
    assert main(["validate", str(path)]) == 2
    return capsys.readouterr().err


def test_one_id_in_two_files_is_found(folder, capsys):
    (folder / "two.yml").write_text(TASK)
    assert "task 'acme.ping' is defined twice" in problem(capsys, folder)


def test_a_workflow_without_steps_is_still_taken_for_a_workflow(tmp_path, capsys):
    (tmp_path / "flow.yaml").write_text("name: flow\nstep: []\n")
    assert "it holds 'step': did you mean 'steps'?" in problem(capsys, tmp_path / "flow.yaml")


def test_a_fault_script_of_x_sandbox_is_checked(tmp_path, capsys):
    text = "name: f\nsteps: [{id: a, task: okta.list_agent_pools}]\nx-sandbox: {faults: [{script: resetafter}]}\n"
    (tmp_path / "flow.yaml").write_text(text)
    assert "did you mean 'reset-after'?" in problem(capsys, tmp_path / "flow.yaml")


def test_a_pattern_is_explained_in_words(tmp_path, capsys):
    (tmp_path / "flow.yaml").write_text("name: f\nsteps: [{id: a, task: list_agent_pools}]\n")
    assert "write provider.operation in lower case, as in okta.list_agent_pools" in problem(capsys, tmp_path / "flow.yaml")
