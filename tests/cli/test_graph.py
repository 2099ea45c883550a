"""`graph`: the structure of a workflow file, without sending anything."""

import pytest

from cli.command import EXAMPLE

pytestmark = pytest.mark.broad


def test_a_graph_shows_what_each_step_uses_and_reads(inside):
    lines = inside("graph", EXAMPLE).out.splitlines()
    assert lines[:3] == [
        "roll_out_agent_update",
        "  pools: okta.list_agent_pools",
        "  create: okta.create_agent_pools_update [forEach; if] ← pools",
    ]
    assert lines[-1] == "  outputs ← wait, retry_failed, report"


def test_a_graph_can_be_a_flowchart(inside):
    lines = inside("graph", EXAMPLE, "--mermaid").out.splitlines()
    assert lines[0] == "flowchart TD"
    assert "  n1 -.-> n2" in lines


def test_a_graph_can_be_data(inside):
    data = inside("graph", EXAMPLE, "--json").json
    assert data["steps"][1] == {
        "id": "create",
        "kind": "task",
        "uses": "okta.create_agent_pools_update",
        "marks": ["forEach", "if"],
        "reads": ["pools"],
    }


def test_two_forms_at_once_are_refused(inside):
    assert "--mermaid and --json" in inside("graph", EXAMPLE, "--mermaid", "--json", code=2).out


def test_what_a_message_holds_does_not_move_the_cursor(inside, tmp_path):
    (tmp_path / "flow.yaml").write_text('name: w\nsteps:\n  - {id: a, approve: "x\\e[2J\\u202e"}\n', encoding="utf-8")
    for form in ((), ("--mermaid",), ("--json",)):
        out = inside("graph", "flow.yaml", *form).out
        assert not {"\x1b", "\u202e"} & set(out)


def test_a_faulty_file_has_no_graph(inside, tmp_path):
    (tmp_path / "flow.yaml").write_text("name: w\nsteps:\n  - {id: a, workflow: sub.yaml}\n", encoding="utf-8")
    (tmp_path / "sub.yaml").write_text("name: s\nsteps:\n  - {id: a, task: okta.list_agent_pool}\n", encoding="utf-8")
    assert inside("graph", "flow.yaml", "--json", code=2).problems == ["sub.yaml:3:19"]


def test_validate_reports_a_fault_of_a_sub_workflow_once_at_its_own_place(inside, tmp_path):
    (tmp_path / "flow.yaml").write_text(
        "name: w\nsteps:\n  - {id: a, workflow: sub.yaml}\n  - {id: b, workflow: sub.yaml, with: {x: 1}}\n"
        "  - {id: g, parallel: [{id: c, approve: hm}]}\n",
        encoding="utf-8",
    )
    (tmp_path / "sub.yaml").write_text("name: s\nsteps:\n  - {id: a, wait: 1, if: '{{ steps.b }}'}\n", encoding="utf-8")
    assert inside("validate", "flow.yaml", "--json", code=2).problems == ["flow.yaml:5:32"]
    (tmp_path / "flow.yaml").write_text(
        "name: w\nsteps:\n  - {id: a, workflow: sub.yaml}\n  - {id: b, workflow: sub.yaml}\n", encoding="utf-8"
    )
    assert inside("validate", ".", "--json", code=2).problems == ["sub.yaml:3:26"]
    (tmp_path / "sub.yaml").write_text("name: s\nsteps:\n  - {id: a, wait: 1}\n", encoding="utf-8")
    assert inside("validate", ".").out == "2 files are valid\n"
