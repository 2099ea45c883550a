"""What is built holds what is needed and nothing else, and works where nothing else is."""

import json
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "task_templates").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def names(wheel):
    return zipfile.ZipFile(wheel).namelist()


def test_the_wheel_holds_every_template_and_schema(names):
    assert [name for name in TEMPLATES if f"httptask/{name}" not in names] == []


def test_the_wheel_holds_the_manifest_the_licence_and_the_type_marker(names):
    assert {"httptask/manifest.json", "httptask/py.typed"} <= set(names)
    assert any(name.endswith("LICENSE") for name in names)


def test_the_wheel_holds_what_pages_are_drawn_from(names):
    here = ROOT / "plugin" / "httptask" / "web"
    files = [path.relative_to(here).as_posix() for kind in ("templates", "static") for path in (here / kind).iterdir()]
    assert len(files) > 10
    assert [name for name in files if f"httptask/web/{name}" not in names] == []


def test_the_wheel_has_one_package_and_no_tests(names):
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"httptask"}


def test_the_source_distribution_holds_what_its_build_and_tests_need(distributions):
    [archive] = distributions.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {*TEMPLATES, "manifest.json", "pyproject.toml", "README.md", "LICENSE", "plugin/httptask/py.typed"} <= names
    assert any(name.startswith("tests/unit/") for name in names)


def test_the_installed_command_lists_the_tasks(installed):
    assert len(installed.httptask("list").splitlines()) == 14


def test_the_installed_manifest_is_the_generated_one(installed):
    assert installed.httptask("manifest", "--check") == "manifest.json is current\n"


def test_plugin_is_no_package_outside_a_checkout(installed):
    assert installed.python("import importlib.util; print(importlib.util.find_spec('plugin'))") == "None\n"


def test_the_installed_package_runs_the_example(installed):
    run = json.loads(installed.httptask("run", ROOT / "examples" / "roll_out_agent_update.yaml", "--sandbox", "--json"))
    assert run["status"] == "succeeded"


def test_importing_the_installed_package_imports_no_third_party(installed):
    names = installed.python("import sys, httptask; print(*{name.split('.')[0] for name in sys.modules})").split()
    assert set(names) & {"click", "jinja2", "jsonschema", "requests", "rich", "tenacity", "yaml"} == set()


def test_an_editable_install_lists_the_checkouts_own_templates(editable, checkout):
    folder = checkout / "task_templates" / "okta" / "agent_pools"
    text = (folder / "list_agent_pools.yaml").read_text(encoding="utf-8").replace("okta.list_agent_pools", "okta.list_them_again")
    (folder / "list_them_again.yaml").write_text(text, encoding="utf-8")
    try:
        assert "okta.list_them_again" in editable.httptask("list")
    finally:
        (folder / "list_them_again.yaml").unlink()


def test_without_the_extra_the_sandbox_says_what_to_install(editable):
    answer = editable.httptask("test", "okta.list_agent_pools", "--sandbox", "--json", code=2)
    assert json.loads(answer)["error"]["problems"][0]["hint"] == "pip install 'httptask[serve]'"
