"""Values of `httptask.model` for tests: each builder fills in what the test does not speak of."""

from httptask.model import Body, Connection, Environment, ErrorShape, Parameter, Place, Provider, Success, TaskTemplate
from httptask.uri import DEFAULT_STYLE

TEXT = {"type": "string"}


def provider(**changes):
    values = {
        "id": "acme",
        "title": "Acme",
        "description": "",
        "server_url": "https://api.example.com",
        "server_variables": {},
        "security_schemes": {},
        "headers": {},
        "retry": {},
        "rate_limit": None,
        "errors": ErrorShape(),
        "environment": Environment(),
    }
    return Provider(**{**values, **changes})


def template(**changes):
    values = {
        "id": "acme.do_thing",
        "operation_id": "doThing",
        "provider": changes.pop("provider", None) or provider(),
        "method": "GET",
        "path": "/things",
        "summary": "Do a thing",
        "description": "",
        "tags": (),
        "parameters": (),
        "headers": {},
        "body": None,
        "responses": {},
        "success": Success(),
        "outputs": {},
        "security": (),
        "definitions": {},
        "retry": {},
        "idempotent": None,
        "deprecated": False,
        "source": Place("things.yaml"),
    }
    return TaskTemplate(**{**values, **changes})


def parameter(name, location="query", **changes):
    style = changes.get("style", DEFAULT_STYLE[location])
    values = {"required": location == "path", "schema": TEXT, "style": style, "explode": style == "form"}
    return Parameter(name, location, **{**values, **changes})


def body(**changes):
    return Body(**{"required": False, "content_type": "application/json", "schema": {}, **changes})


def connection(**changes):
    return Connection(**{"name": "test", "base_url": "https://api.example.com", **changes})
