import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from httptask.documents import parse

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "task_templates"
OKTA = TEMPLATES / "okta"
NOTES = ROOT / "examples" / "templates" / "notes"
SPEC = ROOT.parent / "shared" / "specs" / "okta-agent-pools.extract.yaml"
SCOPE = "okta.agentPools."
#: The API's own table: file name, method, path, operationId, scope, documented statuses.
TABLE = """
activate_agent_pools_update        POST   U/{updateId}/activate   activateAgentPoolsUpdate       manage 201 403 404 429
create_agent_pools_update          POST   U                       createAgentPoolsUpdate         manage 201 400 403 404 429
deactivate_agent_pools_update      POST   U/{updateId}/deactivate deactivateAgentPoolsUpdate     manage 201 403 404 429
delete_agent_pools_update          DELETE U/{updateId}            deleteAgentPoolsUpdate         manage 204 403 404 429
get_agent_pools_update_instance    GET    U/{updateId}            getAgentPoolsUpdateInstance    read   200 403 404 429
get_agent_pools_update_settings    GET    U/settings              getAgentPoolsUpdateSettings    read   200 403 404 429
list_agent_pools                   GET    P                       listAgentPools                 read   200 403 429
list_agent_pools_updates           GET    U                       listAgentPoolsUpdates          read   200 403 404 429
pause_agent_pools_update           POST   U/{updateId}/pause      pauseAgentPoolsUpdate          manage 201 403 404 429
resume_agent_pools_update          POST   U/{updateId}/resume     resumeAgentPoolsUpdate         manage 201 403 404 429
retry_agent_pools_update           POST   U/{updateId}/retry      retryAgentPoolsUpdate          manage 201 403 404 429
stop_agent_pools_update            POST   U/{updateId}/stop       stopAgentPoolsUpdate           manage 201 403 404 429
update_agent_pools_update          POST   U/{updateId}            updateAgentPoolsUpdate         manage 201 400 403 404 429
update_agent_pools_update_settings POST   U/settings              updateAgentPoolsUpdateSettings manage 201 400 403 404 429
"""
OPERATIONS = [line.split(maxsplit=5) for line in TABLE.strip().splitlines()]
SHORT = {"P": "/api/v1/agentPools", "U": "/api/v1/agentPools/{poolId}/updates"}
SUMMARIES = {
    "activate_agent_pools_update": "Activate an agent pool update",
    "create_agent_pools_update": "Create an agent pool update",
    "deactivate_agent_pools_update": "Deactivate an agent pool update",
    "delete_agent_pools_update": "Delete an agent pool update",
    "get_agent_pools_update_instance": "Retrieve an agent pool update by ID",
    "get_agent_pools_update_settings": "Retrieve an agent pool update's settings",
    "list_agent_pools": "List all agent pools",
    "list_agent_pools_updates": "List all agent pool updates",
    "pause_agent_pools_update": "Pause an agent pool update",
    "resume_agent_pools_update": "Resume an agent pool update",
    "retry_agent_pools_update": "Retry an agent pool update",
    "stop_agent_pools_update": "Stop an agent pool update",
    "update_agent_pools_update": "Update an agent pool update by ID",
    "update_agent_pools_update_settings": "Update an agent pool update settings",
}
NAMES = [row[0] for row in OPERATIONS]
OUTPUTS = {
    "list_agent_pools": ["pools", "poolIds"],
    "list_agent_pools_updates": ["updates"],
    "get_agent_pools_update_settings": ["settings"],
    "update_agent_pools_update_settings": ["settings"],
    "delete_agent_pools_update": [],
}
#: The request body as the catalogue page of the operation lists it.
CATALOGUE_FIELDS = """
    id _links agents agents.id agents._links agents.isHidden agents.lastConnection agents.name agents.poolId agents.updateMessage
    agents.isLatestGAedVersion agents.version agents.type agents.operationalStatus agents.updateStatus sortOrder name
    targetVersion agentType notifyAdmin enabled schedule schedule.timezone schedule.delay schedule.cron
    schedule.duration schedule.lastUpdated status reason
"""


def load(path):
    return parse(path.read_bytes(), file=path.relative_to(ROOT).as_posix()).data


def template(name):
    return load(OKTA / "agent_pools" / f"{name}.yaml")


def schema_of(kind):
    return json.loads((TEMPLATES / f"{kind}.schema.json").read_text(encoding="utf-8"))


def definition_files():
    for base in (OKTA, NOTES):
        yield pytest.param(base / "provider.yaml", "provider", id=f"{base.name}/provider")
        yield pytest.param(base / "schemas.yaml", "schemas", id=f"{base.name}/schemas")
        for path in sorted(base.glob("*/*.yaml")):
            yield pytest.param(path, "task-template", id=f"{base.name}/{path.stem}")


DEFINITION_FILES = list(definition_files())
TEMPLATE_FILES = [pytest.param(item.values[0], id=item.id) for item in DEFINITION_FILES if item.values[1] == "task-template"]


def references(node):
    if isinstance(node, list):
        return [found for item in node for found in references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for value in node.values() for found in references(value)]


def resolvable(schema, shared):
    """Return the schema with the shared schemas beside it and every reference led to them."""
    text = json.dumps({**schema, "$defs": shared})
    return json.loads(re.sub(r'"\$ref": "[^"#]*#/', '"$ref": "#/$defs/', text))


def errors(schema, shared, value):
    validator = Draft202012Validator(resolvable(schema, shared), format_checker=FormatChecker())
    return [error.message for error in validator.iter_errors(value)]


def test_all_fourteen_operations_are_there_and_nothing_else():
    assert sorted(path.stem for path in (OKTA / "agent_pools").iterdir()) == NAMES
    assert len(NAMES) == 14


@pytest.mark.parametrize("kind", ["task-template", "provider", "workflow", "schemas"])
def test_the_schemas_of_definition_files_are_json_schemas(kind):
    Draft202012Validator.check_schema(schema_of(kind))


@pytest.mark.parametrize(("path", "kind"), DEFINITION_FILES)
def test_a_definition_file_keeps_its_schema(path, kind):
    validator = Draft202012Validator(schema_of(kind))
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(load(path))] == []


@pytest.mark.parametrize(("path", "kind"), DEFINITION_FILES)
def test_the_first_line_leads_an_editor_to_the_schema(path, kind):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    target = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / target).resolve() == (TEMPLATES / f"{kind}.schema.json").resolve()


def test_paging_is_described_alike_for_a_provider_and_a_task():
    assert schema_of("task-template")["$defs"]["paging"] == schema_of("provider")["$defs"]["paging"]


def test_the_retry_bounds_and_headers_are_described_alike_in_every_schema():
    kinds = [schema_of(kind)["$defs"] for kind in ("task-template", "provider", "workflow")]
    assert kinds[0]["retry"] == kinds[1]["retry"] == kinds[2]["retry"]
    assert kinds[0]["headers"] == kinds[1]["headers"] == kinds[2]["headers"]


def objects_of(schema, path=""):
    """Yield every object schema of a definition file's schema."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from objects_of(item, f"{path}/{index}")
    elif isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            yield path, schema
        for key, value in schema.items():
            if key not in {"if", "then", "else", "allOf"}:
                yield from objects_of(value, f"{path}/{key}")


@pytest.mark.parametrize("kind", ["task-template", "provider", "workflow"])
def test_every_key_is_known_and_described(kind):
    found = list(objects_of(schema_of(kind)))
    assert len(found) >= 4
    for path, schema in found:
        assert schema.get("additionalProperties") is False, path
        assert [name for name, value in schema["properties"].items() if "description" not in value] == [], path


@pytest.mark.parametrize("row", OPERATIONS, ids=NAMES)
def test_an_operation_is_as_the_api_documents_it(row):
    name, method, path, operation, scope, statuses = row
    data = template(name)
    assert data["id"] == f"okta.{name}"
    assert (data["method"], re.sub(r"\{\{ (\w+) \}\}", r"{\1}", data["path"])) == (method, SHORT[path[0]] + path[1:])
    assert (data["operationId"], data["summary"], data["tags"]) == (operation, SUMMARIES[name], ["AgentPools"])
    assert data["security"] == [{"apiToken": []}, {"oauth2": [SCOPE + scope]}]
    assert list(data["responses"]) == statuses.split()
    assert list(data.get("outputs", {})) == OUTPUTS.get(name, ["updateId", "status", "update"])


@pytest.mark.parametrize(("path", "kind"), DEFINITION_FILES)
def test_every_reference_leads_to_a_shared_schema(path, kind):
    data = load(path)
    names = load(OKTA / "schemas.yaml") if path.is_relative_to(OKTA) else load(NOTES / "schemas.yaml")
    prefix = "#/" if kind == "schemas" else "../schemas.yaml#/"
    for reference in references(data):
        assert reference.startswith(prefix)
        assert reference.removeprefix(prefix) in names


@pytest.mark.parametrize("provider", [OKTA, NOTES], ids=["okta", "notes"])
def test_every_shared_schema_is_used(provider):
    used = {reference.rpartition("#/")[2] for path in provider.rglob("*.yaml") for reference in references(load(path))}
    assert used == set(load(provider / "schemas.yaml"))


@pytest.mark.parametrize("path", TEMPLATE_FILES)
def test_every_example_keeps_its_schema(path):
    data, shared = load(path), load(path.parents[1] / "schemas.yaml")
    body = [data["requestBody"]] if "requestBody" in data else []
    for part in [*data.get("parameters", []), *body, *data["responses"].values()]:
        if "schema" in part:
            assert errors(part["schema"], shared, part["example"]) == []


@pytest.mark.parametrize("path", TEMPLATE_FILES)
def test_every_answer_with_content_has_an_example(path):
    for status, spec in load(path)["responses"].items():
        assert ("example" in spec) == ("schema" in spec), status


def test_a_list_of_pools_whose_agents_are_one_object_is_refused():
    data, shared = template("list_agent_pools"), load(OKTA / "schemas.yaml")
    answer = data["responses"]["200"]
    wrong = [{**answer["example"][0], "agents": answer["example"][0]["agents"][0]}]
    assert len(errors(answer["schema"], shared, wrong)) == 1


@pytest.mark.parametrize("missing", ["name", "agentType", "agents"])
def test_a_new_update_needs_what_the_server_asks_for(missing):
    body, shared = template("create_agent_pools_update")["requestBody"], load(OKTA / "schemas.yaml")
    given = {key: value for key, value in body["example"].items() if key != missing}
    assert errors(body["schema"], shared, given) == [f"'{missing}' is a required property"]


@pytest.mark.parametrize("name", [name for name, method, *_ in OPERATIONS if method == "POST"])
def test_a_post_that_is_answered_200_as_by_real_orgs_succeeds(name):
    assert template(name)["success"] == {"status": ["2XX"]}


def test_the_request_body_knows_every_field_of_the_catalogue_page():
    shared = load(OKTA / "schemas.yaml")
    inner = {"agents": shared["Agent"], "schedule": shared["AutoUpdateSchedule"]}
    for field in CATALOGUE_FIELDS.split():
        parent, _, name = field.rpartition(".")
        assert name in (inner[parent] if parent else shared["AgentPoolUpdate"])["properties"], field


def test_creating_says_when_an_update_starts():
    description = template("create_agent_pools_update")["description"]
    assert re.search(r"flow 2.*manual update.*starts the update immediately", description)
    assert re.search(r"flow 3.*schedules the update based on the configured update window and delay", description)


def test_the_provider_says_what_to_do_about_the_usual_errors():
    provider = load(OKTA / "provider.yaml")
    assert set(provider["errors"]["hints"]) == {
        "E0000001",
        "E0000004",
        "E0000005",
        "E0000006",
        "E0000007",
        "E0000011",
        "E0000047",
        "invalid_client.clientSecret",
        "invalid_client.privateKey",
        "invalid_scope",
        "insufficient_scope",
        "invalid_token",
        "access_denied",
        "invalid_dpop_proof",
    }
    assert set(provider["securitySchemes"]["oauth2"]["scopes"]) == {SCOPE + "read", SCOPE + "manage"}


@pytest.fixture(scope="module")
def spec():
    if not SPEC.exists():
        pytest.skip("the vendor's OpenAPI document is not part of this repository")
    return parse(SPEC.read_bytes(), file=SPEC.name).data


def target(spec, node):
    while "$ref" in node:
        found = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


#: Keywords that both dialects share and that must not differ.
SHARED_KEYWORDS = ("type", "format", "enum", "default", "required", "readOnly", "additionalProperties")
#: Where we differ on purpose: Okta's own text says that null is returned.
DIFFERENT = {("AutoUpdateSchedule", "lastUpdated", "type"): ["string", "null"]}


def skeleton(schema):
    """Return what a schema demands: shared keywords, names of references, and the same of its parts."""
    kept = {key: schema[key] for key in SHARED_KEYWORDS if key in schema}
    if "$ref" in schema:
        kept["$ref"] = schema["$ref"].rpartition("/")[2]
    if "items" in schema:
        kept["items"] = skeleton(schema["items"])
    if "properties" in schema:
        kept["properties"] = {name: skeleton(value) for name, value in schema["properties"].items()}
    return kept


def operation_of(spec, data):
    return spec["paths"][re.sub(r"\{\{ (\w+) \}\}", r"{\1}", data["path"])][data["method"].lower()]


def content_of(node):
    content = node.get("content", {}).get("application/json")
    return None if content is None else skeleton(content["schema"])


def test_the_shared_schemas_demand_what_the_vendor_documents(spec):
    ours = {name: skeleton(schema) for name, schema in load(OKTA / "schemas.yaml").items()}
    theirs = {name: skeleton(schema) for name, schema in spec["components"]["schemas"].items()}
    for (schema, name, keyword), value in DIFFERENT.items():
        assert theirs[schema]["properties"][name][keyword] != value
        theirs[schema]["properties"][name][keyword] = value
    assert ours == theirs


def test_every_documented_description_of_a_property_is_kept(spec):
    ours = load(OKTA / "schemas.yaml")
    for name, schema in spec["components"]["schemas"].items():
        for key, value in schema.get("properties", {}).items():
            if "description" in value:
                assert ours[name]["properties"][key]["description"] == value["description"]


@pytest.mark.parametrize("name", NAMES)
def test_parameters_body_answers_and_texts_are_as_the_vendor_documents(spec, name):
    data = template(name)
    operation = operation_of(spec, data)
    shared = spec["paths"][re.sub(r"\{\{ (\w+) \}\}", r"{\1}", data["path"])].get("parameters", [])
    documented = [target(spec, node) for node in [*shared, *operation.get("parameters", [])]]
    keys = ("name", "in", "description")
    assert [[item[key] for key in keys] for item in data.get("parameters", [])] == [
        [item[key] for key in keys] for item in documented
    ]
    assert [item.get("required", False) for item in data.get("parameters", [])] == [
        item.get("required", False) for item in documented
    ]
    assert [skeleton(item["schema"]) for item in data.get("parameters", [])] == [skeleton(item["schema"]) for item in documented]
    answers = {status: target(spec, node) for status, node in operation["responses"].items()}
    assert {status: answer["description"] for status, answer in data["responses"].items()} == {
        status: node["description"] for status, node in answers.items()
    }
    assert {
        status: skeleton(answer["schema"]) if "schema" in answer else None for status, answer in data["responses"].items()
    } == {status: content_of(node) for status, node in answers.items()}
    assert (data["summary"], data["security"]) == (operation["summary"], operation["security"])
    assert data["description"].startswith(operation["description"])


@pytest.mark.parametrize("name", NAMES)
def test_the_request_body_is_as_the_vendor_documents(spec, name):
    data = template(name)
    documented = operation_of(spec, data).get("requestBody")
    assert ("requestBody" in data) == (documented is not None)
    if documented is not None:
        own = data["requestBody"]["schema"]
        assert skeleton(own["allOf"][0] if "allOf" in own else own) == content_of(documented)
        assert data["requestBody"]["required"] == documented["required"]
