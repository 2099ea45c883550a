import pytest

from httptask.errors import TemplateInvalid
from httptask.loader import Library
from httptask.model import Paging

PROVIDER = """\
id: acme
title: Acme
servers: [{url: https://api.example.com}]
securitySchemes:
  key: {type: apiKey, in: header, name: X-Key}
  oauth: {type: oauth2, scopes: {a.read: Read, a.write: Write}}
"""
SCHEMAS = "Thing: {type: object, properties: {id: {type: string}}}\n"
TEMPLATE = """\
id: acme.get_thing
method: GET
path: /things/{{ id }}
parameters:
  - {name: id, in: path, required: true, schema: {type: string}}
responses:
  '200': {description: ok, schema: {$ref: schemas.yaml#/Thing}}
"""


@pytest.fixture
def load(tmp_path):
    def loaded(text=TEMPLATE, provider=PROVIDER, schemas=SCHEMAS):
        for name, content in (("provider.yaml", provider), ("schemas.yaml", schemas), ("task.yaml", text)):
            (tmp_path / name).write_text(content, encoding="utf-8")
        return Library(root=tmp_path).template(tmp_path / "task.yaml")

    return loaded


@pytest.fixture
def problems(load, tmp_path):
    def found(*parts, **files):
        with pytest.raises(TemplateInvalid) as caught:
            load(*parts, **files)
        return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]

    return found


STYLE = (
    "task.yaml:5:5: parameter 'id': style 'label' in path has no encoder yet (supported: path simple, query form, header simple)"
)


def changed(old, new):
    assert TEMPLATE.count(old) == 1
    return TEMPLATE.replace(old, new)


def test_a_template_is_read_with_its_defaults(load):
    template = load()
    assert (template.id, template.operation_id, template.method, template.path) == (
        "acme.get_thing",
        "get_thing",
        "GET",
        "/things/{{ id }}",
    )
    assert (template.parameters[0].style, template.parameters[0].explode) == ("simple", False)
    assert (template.success.statuses, template.is_idempotent, template.body) == (("2XX",), True, None)
    assert str(template.source).endswith("task.yaml:1:1")


def test_references_are_rewritten_and_bring_only_what_they_reach(load):
    schemas = SCHEMAS + "Used: {type: string}\nUnused: {type: string}\n"
    template = load(schemas=schemas.replace("{type: string}}", "{$ref: '#/Used'}}"))
    assert template.responses["200"].schema == {"$ref": "#/$defs/Thing"}
    assert dict(template.definitions) == {
        "Thing": {"type": "object", "properties": {"id": {"$ref": "#/$defs/Used"}}},
        "Used": {"type": "string"},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEMPLATE + "respones: 1\n", "task.yaml:8:1: unknown key 'respones' (did you mean 'responses'?)"),
        (changed("method: GET\n", ""), "task.yaml:1:1: 'method' is missing"),
        (changed("GET", "FETCH"), "task.yaml:2:9: method must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        (changed("GET", "get"), None),
        (changed("required: true, ", ""), "task.yaml:5:5: 'required' is missing in parameters[0]"),
        (changed("required: true", "required: yes"), "task.yaml:5:36: parameters[0].required must be boolean, is string"),
        (changed("required: true", "requierd: true"), None),
        (changed("required: true", "required: false"), "task.yaml:5:36: parameters[0].required must be true"),
        (changed("type: string", "type: strin"), None),
        (changed("type: string", "type: string, pattern: '['"), None),
        (TEMPLATE + "method: GET\n", "task.yaml:8:1: the key 'method' stands here twice (first at line 2; remove one of them)"),
        (TEMPLATE + "tags: [1]\n", "task.yaml:8:8: tags[0] must be string, is integer"),
        (TEMPLATE + "security: [{key: }]\n", "task.yaml:8:18: security[0].key must be array, is null"),
        (TEMPLATE + "retry: {maxAttempts: 0}\n", "task.yaml:8:22: retry.maxAttempts must be at least 1"),
        (TEMPLATE + " x: 1\n", None),
        ("", "task.yaml:1:1: the file is empty (a definition file holds one mapping)"),
        ("- a\n", "task.yaml:1:1: the file must be object, is array"),
        ("hello\n", "task.yaml:1:1: the file must be object, is string"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused_with_its_place(problems, text, message):
    found = problems(text)
    assert found[0].startswith(message or "task.yaml:")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (changed("id: acme", "id: other"), "task.yaml:1:5: the id must begin with 'acme.', the provider of this folder"),
        (changed("#/Thing", "#/Thin"), "task.yaml:7:43: no schema is called 'Thin' (did you mean 'Thing'?)"),
        (
            changed("schemas.yaml#/Thing", "'#/Thing'"),
            "task.yaml:7:43: a $ref must point into the provider's schemas (write schemas.yaml#/NAME)",
        ),
        (changed("schemas.yaml#/Thing", "https://example.com/x.json#/Thing"), None),
        (
            changed("type: string", "$id: 'urn:x'"),
            "task.yaml:5:56: $id is not supported (refer to a schema by its name: $ref: FILE#/NAME)",
        ),
        (
            changed("{{ id }}", "{{ ident }}"),
            "task.yaml:3:7: {{ ident }}: a placeholder in a path must be one path parameter (path parameters: id)",
        ),
        (changed("{{ id }}", "{{ id | upper }}"), None),
        (changed("{{ id }}", "{{ 'x' }}"), None),
        (changed("{{ id }}", "{{ id }"), None),
        (changed("{{ id }}", "{id}"), "task.yaml:3:7: a placeholder is written with two braces (write {{ id }})"),
        (changed("{{ id }}", "all"), "task.yaml:5:5: path parameter 'id' does not occur in the path"),
        (
            changed("/things/", "/../things/"),
            "task.yaml:3:7: the path holds characters or segments that do not belong there (no query, space, // or dot segment)",
        ),
        (changed("/things/", "/a//things/"), None),
        (changed("/things/", "/t\u00fcr/"), None),
        (
            changed("required: true", "required: true, style: label"),
            STYLE,
        ),
        (changed("type: string", "type: object"), None),
        (changed("  - {name", "  - {name: c, in: cookie, schema: {}}\n  - {name"), None),
        (
            changed("  - {name", "  - {name: id, in: path, required: true, schema: {}}\n  - {name"),
            "task.yaml:6:5: parameter 'id' in path stands here twice",
        ),
        (
            changed("  - {name", "  - {name: Host, in: header, schema: {}}\n  - {name"),
            "task.yaml:5:5: header 'Host' is set by httptask alone (credentials belong in the connection)",
        ),
        (
            TEMPLATE + "requestBody: {schema: {}}\n",
            "task.yaml:8:14: GET takes no body (remove requestBody or change the method)",
        ),
        (
            changed("GET", "POST") + "requestBody: {contentType: image/png, schema: {}}\n",
            "task.yaml:8:14: a body of type 'image/png' has no encoder yet (supported: application/json, +json, text/*)",
        ),
        (
            TEMPLATE + "headers: {AUTHORIZATION: x}\n",
            "task.yaml:8:26: header 'AUTHORIZATION' is set by httptask alone (credentials belong in the connection)",
        ),
        (TEMPLATE + "headers: {X-A: '{{ inputs.idd }}'}\n", "task.yaml:8:16: unknown name 'inputs.idd' (did you mean 'id'?)"),
        (TEMPLATE + "headers: {X-A: '\u00fc'}\n", None),
        (
            TEMPLATE + "security: [{kee: []}]\n",
            "task.yaml:8:12: the provider has no security scheme 'kee' (did you mean 'key'?)",
        ),
        (
            TEMPLATE + "security: [{oauth: [a.reed]}]\n",
            "task.yaml:8:12: the scheme has no scope 'a.reed' (did you mean 'a.read'?)",
        ),
        (
            TEMPLATE + "outputs: {a: {value: '{{ respons.body }}'}}\n",
            "task.yaml:8:22: unknown name 'respons' (did you mean 'response'?)",
        ),
        (
            TEMPLATE + "outputs: {a: {value: '{{ response.bodi }}'}}\n",
            "task.yaml:8:22: unknown name 'response.bodi' (did you mean 'body'?)",
        ),
        (
            TEMPLATE + "outputs: {a: {value: '{{ steps.x }}'}}\n",
            "task.yaml:8:22: unknown name 'steps' (known here: response, inputs)",
        ),
        (
            TEMPLATE + "outputs: {a: {value: '{{ response.body'}}\n",
            "task.yaml:8:22: an expression is not closed (end it with }})",
        ),
        (TEMPLATE + "outputs: {a: {value: '{{ response.body | nope }}'}}\n", None),
        (TEMPLATE + "outputs: {a: {value: '{% if true %}{{ 1 }}{% endif %}'}}\n", None),
        (
            TEMPLATE + "success: {condition: '{{ response.stat == 1 }}'}\n",
            "task.yaml:8:22: unknown name 'response.stat' (did you mean 'status'?)",
        ),
    ],
)
def test_what_only_the_meaning_shows_is_refused_with_its_place(problems, text, message):
    found = problems(text)
    assert found[0].startswith(message or "task.yaml:")


def test_every_problem_of_a_file_is_reported_at_once(problems):
    text = changed("id: acme", "id: other").replace("#/Thing", "#/Nothing") + "headers: {Host: x}\nsecurity: [{nokey: []}]\n"
    assert [found.partition(": ")[0] for found in problems(text)] == [
        "task.yaml:7:43",
        "task.yaml:1:5",
        "task.yaml:8:17",
        "task.yaml:9:12",
    ]


@pytest.mark.parametrize(
    ("parameters", "body", "same"),
    [
        ("{name: x, in: query, schema: {}}, {name: x, in: header, schema: {}}", "", False),
        ("{name: body, in: query, schema: {}}", "requestBody: {schema: {}}", False),
        (
            "{name: x, in: query, schema: {}}, {name: x, in: header, schema: {}}, {name: query_x, in: header, schema: {}}",
            "",
            True,
        ),
        (
            "{name: x, in: query, schema: {}}",
            "requestBody: {schema: {type: object, properties: {x: {}, query_x: {}}}, template: {a: '{{ inputs.x }}'}}",
            True,
        ),
    ],
)
def test_two_inputs_that_would_get_one_name_are_refused(load, problems, parameters, body, same):
    text = f"id: acme.x\nmethod: POST\npath: /x\nparameters: [{parameters}]\nresponses: {{'200': {{description: ok}}}}\n{body}\n"
    if same:
        assert problems(text) == ["task.yaml:4:13: two inputs would have the same name"]
    else:
        load(text)


BODY_TEMPLATE = "requestBody: {schema: {type: object, properties: {title: {}}}, template: {a: ['{{ inputs.titel }}']}}\n"


def test_a_body_template_reads_the_inputs_that_its_schema_lists(load, problems):
    text = changed("GET", "POST") + BODY_TEMPLATE
    assert problems(text) == ["task.yaml:8:74: unknown name 'inputs.titel' (did you mean 'title'?)"]
    assert load(text.replace("titel", "title")).body.inputs == {"title": {}}


@pytest.mark.parametrize(
    ("schemas", "message"),
    [
        ("Thing: {$ref: '#/Thing'}\n", "schemas.yaml:1:8: schema 'Thing' refers to itself before any property or item"),
        (
            "Thing: {allOf: [{$ref: '#/A'}]}\nA: {anyOf: [{$ref: '#/Thing'}]}\n",
            "schemas.yaml:1:8: schema 'Thing' refers to itself",
        ),
        ("Thing: {$ref: '#/Nothing'}\n", "schemas.yaml:1:15: no schema is called 'Nothing' (did you mean 'Thing'?)"),
        ("Thing: {$id: 'urn:x'}\n", "schemas.yaml:1:14: $id is not supported"),
        ("Thing: {type: objekt}\n", "schemas.yaml:1:15: Thing.type must be one of"),
        ("Thing: 5\n", "schemas.yaml:1:8:"),
    ],
)
def test_a_wrong_shared_schema_is_refused_with_its_place(problems, schemas, message):
    assert problems(schemas=schemas)[0].startswith(message)


def test_a_schema_may_hold_itself_in_a_property(load):
    assert load(schemas="Thing: {type: object, properties: {parts: {type: array, items: {$ref: '#/Thing'}}}}\n").definitions


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        (PROVIDER + "tittle: x\n", "provider.yaml:7:1: unknown key 'tittle' (did you mean 'title'?)"),
        (PROVIDER.replace("title: Acme\n", ""), "provider.yaml:1:1: 'title' is missing"),
        (
            PROVIDER + "headers: {Host: x}\n",
            "provider.yaml:7:17: header 'Host' is set by httptask alone (credentials belong in the connection)",
        ),
        (PROVIDER + "headers: {X: '{{ a }}'}\n", "provider.yaml:7:14: header 'X' of a provider cannot hold an expression"),
    ],
)
def test_a_wrong_provider_is_refused_with_its_place(problems, provider, message):
    assert problems(provider=provider) == [message]


@pytest.mark.parametrize(("boolean", "schema"), [("true", {}), ("false", {"not": {}})])
def test_true_and_false_are_schemas_too(load, boolean, schema):
    text = changed("schema: {type: string}", f"schema: {boolean}").replace("{$ref: schemas.yaml#/Thing}", boolean)
    template = load(text, schemas=f"Thing: {boolean}\n")
    assert (template.parameters[0].schema, template.responses["200"].schema) == (schema, schema)


LIST = """\
id: acme.list_things
method: GET
path: /things
parameters:
  - {name: after, in: query, schema: {type: string}}
  - {name: limit, in: query, schema: {type: integer}}
responses:
  '200':
    description: ok
    schema: {type: object, properties: {data: {type: array}, next: {type: string}, one: {$ref: schemas.yaml#/Thing}}}
"""
CURSOR = "paging: {style: cursor, items: data, parameter: after, cursor: next}\n"


def test_a_template_says_how_its_list_goes_on_in_place_of_its_provider(load):
    provider = PROVIDER + "paging: {style: link}\n"
    assert load(LIST, provider=provider).effective_paging == Paging("link")
    assert load(LIST + CURSOR, provider=provider).effective_paging == Paging("cursor", "data", "after", "next")
    assert load(LIST + "paging: false\n", provider=provider).effective_paging is None
    header = "paging: {style: cursor, items: data, parameter: after, cursorHeader: X-Next, limitParameter: limit, limit: 5}\n"
    assert load(LIST + header).effective_paging == Paging("cursor", "data", "after", "", "X-Next", "limit", 5)


@pytest.mark.parametrize(
    ("paging", "message"),
    [
        ("true", "11:9: paging must be false"),
        ("{style: links}", "11:17: paging.style must be one of link, cursor, page, offset (did you mean 'link'?)"),
        ("{}", "11:9: 'style' is missing in paging"),
        ("none", "11:9: paging must be object, is string"),
        ("{style: cursor, items: data, parameter: after}", "11:9: 'cursor' is missing in paging"),
        ("{style: cursor, items: data, cursor: next}", "11:9: 'parameter' is missing in paging"),
        ("{style: offset, items: data, parameter: after}", "11:9: 'limit' is missing in paging"),
        ("{style: link, items: data, parameter: after}", "11:36: paging.parameter is not allowed here"),
        ("{style: page, items: data, parameter: after, cursor: next}", "11:54: paging.cursor is not allowed here"),
        ("{style: link}", "11:9: the documented answer has no list there (name its place in `items`, as keys joined by dots)"),
        ("{style: link, items: dat}", "11:30: the documented answer has no list there"),
        ("{style: link, items: one.id}", "11:30: the documented answer has no list there"),
        (
            "{style: cursor, items: data, parameter: aftr, cursor: next}",
            "11:49: the task has no query parameter 'aftr' (did you mean 'after'?)",
        ),
        (
            "{style: page, items: data, parameter: after, limitParameter: size}",
            "11:70: the task has no query parameter 'size' (query parameters: after, limit)",
        ),
        ("{style: cursor, items: data, parameter: after, cursor: meta.next}", "11:64: the documented answer has no such key"),
    ],
)
def test_paging_that_does_not_fit_the_task_is_found_with_its_place(problems, paging, message):
    [found] = problems(LIST + f"paging: {paging}\n")
    assert found.startswith(f"task.yaml:{message}")


def test_only_a_get_can_be_paged(problems):
    [found] = problems(LIST.replace("GET", "POST") + CURSOR)
    assert found == "task.yaml:11:9: POST cannot be paged, only GET (remove it)"
