import pytest

from httptask.cli import main
from httptask.documents import parse
from httptask.errors import WorkflowInvalid
from httptask.loader import open_registry
from httptask.schemas import Validator, is_endless
from httptask.workflow_file import workflow_from

STEPS = "name: flow\nsteps: [{id: a, task: okta.list_agent_pools}]\n"


@pytest.fixture(scope="module")
def registry():
    return open_registry()


@pytest.fixture
def problems(registry):
    def found(inputs):
        with pytest.raises(WorkflowInvalid) as caught:
            workflow_from(parse(f"{STEPS}inputs: {inputs}\n".encode(), file="flow.yaml"), registry)
        return [str(problem) for problem in caught.value.problems]

    return found


@pytest.mark.parametrize(
    "inputs",
    [
        "{type: object, properties: {x: {$ref: '#/$defs/a'}}, $defs: {a: {$ref: '#/$defs/a'}}}",
        "{type: object, properties: {x: {$ref: '#/properties/x'}}}",
        "{type: object, properties: {x: {allOf: [{$ref: '#/properties/x'}]}}}",
        "{type: object, properties: {x: {anyOf: [{type: string}, {$ref: '#/$defs/a'}]}}, $defs: {a: {$ref: '#/properties/x'}}}",
        "{type: object, properties: {x: {not: {$ref: '#/properties/x'}}}}",
        "{type: object, properties: {x: {if: {$ref: '#/properties/x'}}}}",
        "{type: object, properties: {x: {dependentSchemas: {k: {$ref: '#/properties/x'}}}}}",
    ],
)
def test_a_workflow_whose_inputs_cannot_be_checked_to_an_end_is_refused(problems, inputs):
    assert any("refers to itself before any property or item" in problem for problem in problems(inputs))


def test_a_schema_that_refers_to_itself_below_a_property_is_fine(registry):
    inputs = "{type: object, properties: {x: {$ref: '#/$defs/a'}}, $defs: {a: {properties: {next: {$ref: '#/$defs/a'}}}}}"
    workflow = workflow_from(parse(f"{STEPS}inputs: {inputs}\n".encode(), file="flow.yaml"), registry)
    assert not any(is_endless(schema, workflow.inputs) for schema in workflow.inputs["$defs"].values())


@pytest.mark.parametrize("keyword", ["$dynamicRef", "$anchor", "$dynamicAnchor", "$id"])
def test_other_kinds_of_references_are_refused_in_inputs(problems, keyword):
    name = "https://a.example" if keyword == "$id" else "abc"
    [problem] = problems(f"{{type: object, properties: {{x: {{{keyword}: {name}}}}}}}")
    assert f"{keyword} is not supported" in problem


def test_a_reference_to_what_is_no_schema_is_refused(problems):
    assert "leads nowhere" in problems("{type: object, properties: {x: {$ref: '#/type'}}}")[0]


@pytest.mark.parametrize("reference", ["#/$defs/a", "#/$defs/missing", "https://elsewhere.example/a", "#nowhere"])
def test_a_validator_reports_a_reference_that_it_cannot_follow(reference):
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": reference}}}
    [violation] = Validator(schema).violations({})
    assert violation.keyword == "$ref"
    assert "its schema has a reference that" in violation.message


def test_a_run_of_such_a_workflow_is_a_message(tmp_path, capsys):
    (tmp_path / "flow.yaml").write_text(f"{STEPS}inputs: {{type: object, properties: {{x: {{$dynamicRef: '#x'}}}}}}\n")
    for command in ("validate", "run"):
        assert main([command, str(tmp_path / "flow.yaml")]) == 2
    assert "$dynamicRef is not supported" in capsys.readouterr().err
