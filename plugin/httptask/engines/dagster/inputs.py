"""Inputs from run config: typed by the schema, text coerced as on the command line, secrets by environment variable only.

Dagster stores run config as it was given and shows it to everybody, so that a secret in it is refused before the run is created.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster import Array, BoolSource, EnvVar, Field, IntSource, Noneable, Permissive, StringSource

from httptask.errors import InputInvalid, Problem
from httptask.inputs import coerce
from httptask.model import Schema
from httptask.secrets import Secret
from httptask.sensitive import is_secret_input
from httptask.surroundings import Surroundings

_SOURCES = {"string": StringSource, "integer": IntSource, "boolean": BoolSource, "object": Permissive(), "array": Array(Any)}
#: What a reference to a variable begins with.
_ENV = "env:"
#: A secret in run config: the name of the worker's variable.
_SECRET = {"env": Field(str, description="Name of the variable of the worker that holds the secret.")}


def fields(schema: Schema) -> dict[str, Field]:
    """Return the config fields of a closed input schema, with its defaults and descriptions."""
    required = set(schema.get("required", ()))
    return {
        name: _field(rules if isinstance(rules, Mapping) else {}, name in required, is_secret_input(schema, name))
        for name, rules in schema.get("properties", {}).items()
    }


def referenced(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return config values as inputs: text coerced by schema, secrets as references for `read`."""
    return {name: _referenced(schema, name, value) for name, value in given.items()}


def read(reference: str, where: str) -> Secret:
    """Read a secret from the worker's environment.

    Raises:
        InputInvalid: it is not given by the name of a variable.
        ConfigurationError: there is no such variable.

    """
    if not reference.startswith(_ENV):
        raise InputInvalid(Problem(where, "a secret stands in run config, which Dagster stores", "give it as {env: NAME}"))
    return Surroundings.current().secret(reference, Path(), where)


def taken(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return config values as inputs of a task: as `referenced`, and secrets read.

    Raises:
        InputInvalid: a secret that is not given by the name of a variable.
        ConfigurationError: there is no such variable.

    """
    return {
        name: read(value if isinstance(value, str) else "", name).reveal() if is_secret_input(schema, name) else value
        for name, value in referenced(schema, given).items()
    }


def revealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs that Python code gave, each `EnvVar` read."""
    return {
        name: read(f"{_ENV}{value.env_var_name}", name).reveal() if isinstance(value, EnvVar) else value
        for name, value in values.items()
    }


def _field(rules: Mapping[str, Any], required: bool, secret: bool) -> Field:  # noqa: FBT001 - two facts of one property
    description = rules.get("description")
    if secret:
        return Field(_SECRET, is_required=required, description=description)
    kind = _SOURCES.get(rules["type"], Any) if isinstance(rules.get("type"), str) else Any
    if "default" in rules:
        default = rules["default"]
        return Field(Noneable(kind) if default is None else kind, default_value=default, description=description)
    return Field(kind, is_required=required, description=description)


def _referenced(schema: Schema, name: str, value: Any) -> Any:
    if is_secret_input(schema, name):
        is_named = isinstance(value, Mapping) and set(value) == {"env"} and isinstance(value["env"], str)
        return f"{_ENV}{value['env']}" if is_named else value
    rules = schema.get("properties", {}).get(name, {})
    return coerce(rules, schema.get("$defs", {}), value) if isinstance(value, str) else value
