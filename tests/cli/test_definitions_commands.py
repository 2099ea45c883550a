"""`list`, `show`, `validate`, `manifest`, `completion`, `--help`, `--version`: commands that send nothing."""

import json
import shutil

import pytest

from cli.command import EXAMPLE, NOTES, ROOT
from httptask.version import VERSION

LIST_KEYS = ["id", "provider", "method", "path", "summary", "tags", "scopes", "deprecated"]


def test_list_shows_each_task_on_a_line_of_its_own(httptask):
    lines = httptask("list").out.splitlines()
    assert len(lines) == 14
    assert lines[1].split()[:3] == ["okta.create_agent_pools_update", "POST", "/api/v1/agentPools/{poolId}/updates"]


def test_list_as_json_has_the_agreed_keys(httptask):
    tasks = httptask("list", "--json").json
    assert {tuple(task) for task in tasks} == {tuple(LIST_KEYS)}
    assert tasks[1]["scopes"] == ["okta.agentPools.manage"]


def test_list_searches_for_every_word(httptask):
    assert [line.split()[0] for line in httptask("list", "--search", "POOL settings retrieve").out.splitlines()] == [
        "okta.get_agent_pools_update_settings"
    ]


def test_a_search_without_a_match_is_no_failure(httptask):
    done = httptask("list", "--search", "unheard-of")
    assert (done.out, done.err) == ("", "no task matches\n")


@pytest.mark.parametrize("way", ["option", "variable"])
def test_templates_of_ones_own_stand_beside_the_shipped_ones(httptask, way):
    done = httptask("list", "--templates", NOTES) if way == "option" else httptask("list", env={"HTTPTASK_PATH": str(NOTES)})
    names = [line.split()[0] for line in done.out.splitlines()]
    assert len(names) == 17
    assert {"notes.create_note", "okta.list_agent_pools"} < set(names)


def test_a_broken_template_is_named_and_hides_no_other(httptask, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "provider.yaml").write_bytes((NOTES / "notes" / "provider.yaml").read_bytes())
    (tmp_path / "mine" / "broken.yaml").write_text("id: [", encoding="utf-8")
    done = httptask("list", "--templates", "mine")
    assert len(done.out.splitlines()) == 14
    assert done.err.startswith("warning: mine/broken.yaml:")


def test_show_is_the_reference_page(httptask):
    page = httptask("show", "okta.create_agent_pools_update").out
    titles = ("Servers", "Path parameters", "Request headers", "Request body fields", "Responses", "Authorization")
    positions = [page.index(f"\n{title}\n") for title in titles]
    assert positions == sorted(positions)
    assert "agents[].id" in page
    assert "okta.agentPools.manage" in page
    assert "httptask test okta.create_agent_pools_update -i poolId=... --body @body.json --dry-run" in page


def test_show_as_json_holds_the_input_schema_and_the_flattened_body(httptask):
    page = httptask("show", "okta.create_agent_pools_update", "--json").json
    assert page["schemaVersion"] == 1
    assert page["id"] == "okta.create_agent_pools_update"
    assert [field["name"] for field in page["pathParameters"]] == ["poolId"]
    assert "agents[].id" in [field["name"] for field in page["requestBodyFields"]]
    assert page["inputSchema"]["additionalProperties"] is False


def test_everything_that_ships_is_valid(httptask):
    files = [ROOT / "task_templates", ROOT / "examples"]
    count = sum(len(list(folder.rglob("*.yaml"))) for folder in files)
    assert httptask("validate", *files).out == f"{count} files are valid\n"


def test_validate_as_json_lists_the_files(httptask):
    assert httptask("validate", EXAMPLE, "--json").json == {"schemaVersion": 1, "valid": [str(EXAMPLE)]}


def test_validate_names_file_line_and_column_of_every_mistake(httptask, tmp_path):
    (tmp_path / "flow.yaml").write_text(
        "name: flow\nsteps:\n  - id: one\n    task: okta.list_agent_pool\n  - id: two\n    task: okta.list_agent_pools\n"
        "    with: {poolTyp: AD}\n",
        encoding="utf-8",
    )
    problems = httptask("validate", "flow.yaml", "--json", code=2).json["error"]["problems"]
    assert [problem["where"].split(":")[:2] for problem in problems] == [["flow.yaml", "4"], ["flow.yaml", "7"]]
    assert "did you mean 'okta.list_agent_pools'?" in problems[0]["hint"]
    assert "poolType" in problems[1]["hint"]


def test_a_folder_without_definitions_is_no_success(httptask, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "empty: no YAML file" in httptask("validate", "empty", code=2).err


def test_the_manifest_is_current(httptask):
    assert httptask("manifest", "--check", "--json").json == {"schemaVersion": 1, "current": True}


def test_the_printed_manifest_is_the_shipped_one(httptask):
    assert httptask("manifest").json == json.loads((ROOT / "manifest.json").read_bytes())


def test_an_outdated_manifest_exits_1_and_can_be_written_again(httptask, tmp_path):
    copy = tmp_path / "checkout"
    for name in ("plugin", "task_templates"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "manifest.json"):
        shutil.copy(ROOT / name, copy)
    template = copy / "task_templates" / "okta" / "agent_pools" / "list_agent_pools.yaml"
    template.write_text(template.read_text(encoding="utf-8") + "deprecated: true\n", encoding="utf-8")
    there = {"PYTHONPATH": str(copy / "plugin")}
    assert "`httptask manifest --write`" in httptask.process("manifest", "--check", code=1, env=there).out
    assert "14 tasks" in httptask.process("manifest", "--write", env=there).err
    httptask.process("manifest", "--check", env=there)
    assert "(deprecated)" in httptask.process("list", env=there).out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(httptask, shell):
    assert "_HTTPTASK_COMPLETE" in httptask("completion", shell).out


def test_a_shell_can_complete_task_names(httptask):
    words = {"_HTTPTASK_COMPLETE": "bash_complete", "COMP_WORDS": "httptask test okta.list", "COMP_CWORD": "2"}
    found = httptask.process(env=words).out.split()
    assert found == ["plain,okta.list_agent_pools", "plain,okta.list_agent_pools_updates"]


def test_the_version_is_the_packages(httptask):
    assert httptask("--version").out == f"httptask {VERSION}\n"


def test_help_names_commands_and_exit_codes(httptask):
    page = httptask("--help").out
    for word in ("list", "show", "test", "run", "validate", "graph", "sandbox", "manifest", "completion", "130  interrupted"):
        assert word in page


@pytest.mark.parametrize("command", ["list", "show", "test", "run", "validate", "graph", "sandbox", "manifest", "completion"])
def test_each_commands_help_has_an_example(httptask, command):
    assert f"httptask {command}" in httptask(command, "-h").out.partition("Example")[2]


def test_without_arguments_the_help_goes_to_stderr(httptask):
    done = httptask(code=2)
    assert done.out == ""
    assert done.err.startswith("Usage: httptask")
