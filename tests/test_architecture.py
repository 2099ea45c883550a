"""The layers, the owners of third parties and the owners of effects, held by machine: ARCHITECTURE.md says why."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "plugin" / "httptask"

LAYERS = [
    (
        "errors model message outcome runs secrets secret_search unescaping events ports suggest durations wording version"
        " egress_policy openapi_paths"
    ),
    (
        "expressions expression_env schemas accepting uri documents emitting places faults baseurl addresses origins challenges"
        " links"
    ),
    (
        "registry inputs render retrying waits pacing results shape notes provider_file template_file workflow_file"
        " workflow_checks workflow_names workflow_notes workflow_inputs secret_inputs path_types reach workflow_paths"
        " expecting workflow_types reference redirects sensitive masking advice withholding views paging"
    ),
    (
        "logs transport wire egress identity scripted loader surroundings profiles settings credentials references"
        " clock auth okta_yaml external_references sources profile_writing halting journal journal_file memory_journal"
        " definitions atomic serving cassette"
    ),
    "budget verifying calling runner paged recording lanes paging_use using frames workflow resuming virtual_time",
    "manifest simulate graph mermaid junit explaining export curl",
    "sandbox",
    ("wiring kept_runs onward masked_runs discretion executing taping beginning resumption exchanges all_pages made trying"),
    "hosted",
    "engines",
    "web",
    "cli testing",
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names.split()}
FRONT_ENDS = {"cli", "testing"}

OWNERS = {
    "requests": {"transport", "wire"},
    "urllib3": {"transport", "wire"},
    "tenacity": {"calling"},
    "jinja2": {"expressions", "expression_env", "web"},  # in `web` for pages, which escape what they show
    "jsonschema": {"schemas"},
    "referencing": {"schemas"},
    "yaml": {"documents", "emitting"},
    "keyring": {"external_references"},
    "sqlite3": {"journal", "journal_file"},
    "filelock": {"journal"},
    "click": {"cli"},
    "rich": {"cli"},
    "pytest": {"testing"},
    "starlette": {"web"},
    "python_multipart": set(),
    "uvicorn": {"serving"},
    "airflow": {"engines"},
    "prefect": {"engines"},
    "dagster": {"engines"},
    "pydantic": {"engines"},  # what a resource of Dagster is made with
    "temporalio": {"engines"},
    "conductor": {"engines"},
    "jwt": {"auth", "sandbox"},
    "cryptography": {"auth", "sandbox"},
}
#: The sandbox is a server beside the product: its address, threads and clock are its own business.
EFFECTS = {
    ("os", "environ"): {"surroundings"},
    ("os", "getenv"): set(),
    ("time", "time"): {"clock"},
    ("time", "sleep"): {"clock", "sandbox"},
    ("time", "monotonic"): {"clock", "transport", "wire", "sandbox"},
    ("time", "perf_counter"): {"transport", "wire", "clock"},
    ("random", "random"): {"clock"},
    ("uuid", "uuid4"): {"identity"},
    ("secrets", "token_hex"): set(),
    ("secrets", "token_urlsafe"): {"identity"},
}


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def room(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(name):
    parts = name.split(".")
    return parts[1] if parts[0] == "httptask" and len(parts) > 1 and parts[1] in RANK else None


TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in modules()}


def test_no_module_stands_in_two_layers():
    names = " ".join(LAYERS).split()
    assert sorted(names) == sorted(set(names))


def test_every_module_has_a_layer():
    rooms = {room(path) for path in TREES} - {"__init__", "__main__"}
    assert rooms == set(RANK) & rooms, f"give these a layer: {sorted(rooms - set(RANK))}"


@pytest.mark.parametrize("path", TREES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path):
    here = room(path)
    if here in {"__init__", "__main__"}:
        return
    for target in filter(None, map(own, imports(TREES[path]))):
        assert RANK[target] <= RANK[here], f"{here} imports {target}, which is above it"
        assert not (here in FRONT_ENDS and target in FRONT_ENDS and target != here), (
            f"front end {here} imports front end {target}"
        )


@pytest.mark.parametrize("path", TREES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_third_parties_come_in_through_their_own_door(path):
    for name in imports(TREES[path]):
        owners = OWNERS.get(name.split(".")[0])
        assert owners is None or room(path) in owners, f"{room(path)} imports {name}, which belongs to {owners}"
        assert not name.startswith("plugin"), "the package is httptask, never plugin.httptask"


def test_signatures_have_one_module_on_each_side():
    users = {path.relative_to(PACKAGE).as_posix() for path in TREES if {"jwt", "cryptography"} & set(imports(TREES[path]))}
    assert users <= {"auth/jwt.py", "sandbox/jose.py"}


@pytest.mark.parametrize("path", TREES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_effects_have_owners(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owners = EFFECTS.get((node.value.id, node.attr))
            assert owners is None or room(path) in owners, f"{room(path)} uses {node.value.id}.{node.attr}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            assert room(path) == "cli", f"{room(path)} prints"


def test_importing_httptask_imports_no_third_party():
    code = f"import sys, httptask; print([name for name in sys.modules if name.split('.')[0] in {sorted(OWNERS)}])"
    # -S: without what stands in site-packages, which may import for its own ends at the start of every process
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.strip() == "[]"


def test_public_names_are_what_is_exported():
    import httptask

    assert sorted(name for names in httptask._HOMES.values() for name in names) == sorted(set(httptask.__all__) - {"__version__"})
    assert all(getattr(httptask, name) is not None for name in httptask.__all__)
