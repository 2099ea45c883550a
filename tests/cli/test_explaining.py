# `--explain`: a dry run that says of each value where it came from.
import pytest

from cli.conftest import CANARY

pytestmark = pytest.mark.broad

LIST = ("test", "okta.list_agent_pools")
CREATE = ("test", "okta.create_agent_pools_update", "-i", "poolId=0oaspf3cfatE1nDO31d7")
BODY = '{"name": "n", "agentType": "AD", "agents": [{"id": "a53slzqkptH2xEJ1r1d7"}]}'
FLOW = """\
name: flow
inputs: {type: object, properties: {kind: {type: string, default: AD}}}
steps:
  - id: pools
    task: okta.list_agent_pools
    headers: {X-Step: 'for {{ inputs.kind }}'}
    with: {poolType: '{{ inputs.kind }}', limitPerPoolType: 5}
  - id: each
    task: okta.list_agent_pools_updates
    forEach: "{{ ['a', 'b'] }}"
    with: {poolId: '{{ item }}'}
"""


def row(done, slot, name):
    """Return the row of the table for one value, its columns joined by one space."""
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    return next(line for line in lines if line.startswith(f"{slot} {name}".strip() + " "))


def part(explanation, slot, name):
    return next(item for item in explanation if (item["slot"], item["name"]) == (slot, name))


def test_a_table_follows_the_request(inside, tmp_path):
    (tmp_path / "in.yaml").write_text("limitPerPoolType: 5\nafter: x\n")
    done = inside(*LIST, "--inputs", "in.yaml", "-i", "poolType=AD", "-i", "after=y", "-H", "X-A: 1", "--explain")
    assert done.out.startswith("GET /api/v1/agentPools?")
    assert row(done, "slot", "name") == "slot name value encoder from"
    assert row(done, "query", "limitPerPoolType").endswith("input: limitPerPoolType (--inputs in.yaml)")
    assert row(done, "query", "after").endswith("y style form, explode: percent-encoded input: after (-i)")
    assert row(done, "header", "X-A") == "header X-A 1 call: -H"
    assert row(done, "header", "Accept") == "header Accept application/json provider: okta; over httptask"
    assert "nothing was sent" in done.err


def test_as_json_the_explanation_stands_beside_the_request(inside):
    found = inside(*CREATE, "--body", BODY, "--explain", "--json").json
    assert set(found) == {"schemaVersion", "task", "request", "connection", "explanation"}
    assert found["request"] == inside(*CREATE, "--body", BODY, "--dry-run", "--json").json["request"]
    assert part(found["explanation"], "body", "name") == {
        "slot": "body",
        "name": "name",
        "value": '"n"',
        "origin": "input",
        "detail": "body (--body)",
        "encoder": "JSON",
    }
    assert part(found["explanation"], "path", "poolId")["detail"] == "poolId (-i)"


def test_a_dry_run_explains_nothing_unless_it_is_asked(inside):
    assert "explanation" not in inside(*LIST, "--dry-run", "--json").json
    assert "encoder" not in inside(*LIST, "--dry-run").out
    assert "encoder" in inside(*LIST, "--dry-run", "--explain").out


def test_nothing_is_sent(online, sandbox):
    online(*LIST, *sandbox.options, "--explain")
    assert sandbox.control("requests")["received"] == []


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
def test_a_credential_is_told_by_its_reference(guarded, as_json):
    done = guarded(
        *LIST, "--base-url", "https://acme.okta.com", "--token", "env:CANARY", "-H", f"X-Api-Key: {CANARY}", "--explain", *as_json
    )
    assert "canary" not in done.all
    assert "env:CANARY, scheme apiToken" in done.out


def test_long_values_are_cut_in_the_table_only(inside):
    long = "x" * 100
    assert "x" * 49 not in inside(*LIST, "-i", f"after={long}", "--explain").out.partition("slot")[2]
    explanation = inside(*LIST, "-i", f"after={long}", "--explain", "--json").json["explanation"]
    assert part(explanation, "query", "after")["value"] == long


def test_a_plan_tells_which_expression_gave_each_input(inside, tmp_path):
    (tmp_path / "flow.yaml").write_text(FLOW)
    done = inside("run", "flow.yaml", "--explain")
    assert row(done, "query", "poolType").endswith("input: poolType ({{ inputs.kind }})")
    assert row(done, "query", "limitPerPoolType").endswith("input: limitPerPoolType (with)")
    assert row(done, "header", "X-Step") == "header X-Step for AD call: headers of the step"
    steps = inside("run", "flow.yaml", "--explain", "--json").json["steps"]
    assert [len(step["explanations"]) for step in steps] == [1, 2]
    assert [part(found, "path", "poolId")["value"] for found in steps[1]["explanations"]] == ["a", "b"]
    assert "explanations" not in inside("run", "flow.yaml", "--dry-run", "--json").json["steps"][0]
    assert "--explain" in inside("run", "flow.yaml", "--explain", "--fault", "pools=503", code=2).err
