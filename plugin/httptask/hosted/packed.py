"""What a worker on another machine needs to do a unit, as JSON: the definition's files in one text, and what the unit reads.

The text is compressed and of letters alone: engines keep it with each unit, and one that has a template language of its own finds
nothing in it.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from httptask.definitions import Definition, definition_of, loaded
from httptask.errors import Problem, TemplateInvalid
from httptask.hosted.units import Item, Unit
from httptask.model import Workflow
from httptask.registry import Registry

#: Bytes of a definition's files at most; nobody's are nearly as long.
LARGEST = 16 * 1024 * 1024
#: Definitions that a worker holds read.
_HELD = 64


def packed(workflow: Workflow, registry: Registry) -> str:
    """Return everything that a run of a workflow executes, as a text.

    Raises:
        DefinitionError: a file can no longer be read.

    """
    return base64.b64encode(zlib.compress(definition_of(workflow, registry).to_bytes(), 9)).decode()


@lru_cache(maxsize=_HELD)
def unpacked(text: str) -> tuple[Workflow, Registry]:
    """Return the workflow and its tasks that a text holds.

    Raises:
        DefinitionError: it holds none, or this version of the program no longer reads them.

    """
    document = _inflated(text)
    if document is None:
        raise TemplateInvalid(Problem("definition", "this is no definition that httptask packed", "start the workflow again"))
    with loaded(Definition.from_bytes(document)) as (workflow, registry):
        return workflow, registry


def sealed(value: Any) -> str:
    """Return any JSON as a text of letters alone, for engines that would find their own template language in it."""
    return base64.b64encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode())).decode()


def opened(text: str) -> Any:
    """Return the JSON that `sealed` wrote.

    Raises:
        DefinitionError: it did not write this.

    """
    document = _inflated(text)
    if document is None:
        raise TemplateInvalid(Problem("results", "this is nothing that httptask passed on", "start the workflow again"))
    return json.loads(document)


def _inflated(text: str) -> bytes | None:
    try:
        stream = zlib.decompressobj()
        document = stream.decompress(base64.b64decode(text, validate=True), LARGEST)
    except (ValueError, binascii.Error, zlib.error):
        return None
    return document if stream.eof else None


def unit_from(data: Mapping[str, Any]) -> Unit:
    """Return the unit that an engine was given as JSON: `{definition, path, action, inputs, results, item, began}`.

    Raises:
        DefinitionError: the definition cannot be read.

    """
    workflow, registry = unpacked(data["definition"])
    item = data.get("item")
    return Unit(
        workflow,
        registry,
        data["path"],
        data["inputs"],
        data.get("action", "send"),
        data.get("results", {}),
        None if item is None else Item.from_json(item),
        data.get("began"),
    )
