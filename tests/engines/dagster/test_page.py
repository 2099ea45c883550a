"""docs/engines/dagster.md: its code is loaded and run, its config is taken, its names are the code's."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

dagster = pytest.importorskip("dagster", reason='needs pip install "httptask[dagster]": tests/engines/run dagster')
from dagster import EnvVar  # noqa: E402

from httptask.engines.dagster import HttpTaskResource, job_from_workflow  # noqa: E402
from httptask.errors import ConfigurationError  # noqa: E402
from httptask.hosted.host import MOST_PASSED, MOST_SHOWN  # noqa: E402
from httptask.hosted.one_task import Use  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "engines" / "dagster.md").read_text(encoding="utf-8")
PYTHON, YAML = (re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) for language in ("python", "yaml"))


@pytest.fixture
def place(environment, org, tmp_path, monkeypatch):
    org.reset()
    monkeypatch.chdir(tmp_path)
    for name, value in org.environment.items():
        monkeypatch.setenv(name, value)
    shutil.copy(ROOT / "examples" / "roll_out_agent_update.yaml", tmp_path)
    return tmp_path


def loaded(code):
    names = {"__name__": "page", "__file__": str(Path("definitions.py").resolve())}  # as a code location has it
    exec(code, names)  # noqa: S102 - our own page
    return names


def test_the_first_run(place, instance):
    job = loaded(PYTHON[0])["defs"].get_job_def("roll_out_agent_update")
    assert job.execute_in_process(yaml.safe_load(YAML[0]), instance).success


def test_the_op_with_its_config(place, instance):
    job = loaded(PYTHON[2])["look"]
    resource = HttpTaskResource()  # the worker's environment
    done = job.execute_in_process(yaml.safe_load(YAML[1]), instance, resources={"httptask": resource})
    assert done.success
    assert len(done.output_for_node("pools", "pools")) == 3


def test_connections_are_resources(place, instance, org):
    flow = "name: flow\nconnection: production\nsteps:\n  - {id: look, task: okta.list_agent_pools}\n"
    (place / "flow.yaml").write_text(flow)
    good = HttpTaskResource(base_url=EnvVar("OKTA_CLIENT_ORGURL"), token=EnvVar("OKTA_CLIENT_TOKEN"))
    no_host = HttpTaskResource(base_url="http://127.0.0.1:9", token="none")
    resources = {"okta_production": good, "notes": no_host}
    loaded("from httptask.engines.dagster import job_from_workflow\n" + PYTHON[1])
    job = job_from_workflow("flow.yaml", resources={"production": "okta_production", "notes": "notes"})
    assert job.execute_in_process(instance=instance, resources=resources).success
    done = job_from_workflow("flow.yaml").execute_in_process(
        instance=instance, resources={"httptask": good}, raise_on_error=False
    )
    assert not done.success


@pytest.mark.parametrize(
    ("named", "resources", "required"),
    [
        ("", {}, {"httptask"}),
        ("", {"notes": "notes"}, {"httptask", "notes"}),
        ("", {"okta": "my_okta"}, {"my_okta"}),
        ("connection: production\n", {"production": "my_okta"}, {"my_okta"}),
    ],
    ids=["none is mapped", "another one is mapped", "its API is mapped", "its connection is mapped"],
)
def test_the_resource_httptask_is_needed_where_something_of_the_workflow_is_not_mapped(place, named, resources, required):
    (place / "flow.yaml").write_text(f"name: flow\n{named}steps:\n  - {{id: look, task: okta.list_agent_pools}}\n")
    job = job_from_workflow("flow.yaml", resources=resources)
    assert {key for node in job.nodes for key in node.definition.required_resource_keys} == required


def test_a_field_that_there_is_not_is_an_error():
    with pytest.raises(ConfigurationError, match=r"unknown field 'tokn' .*token"):
        HttpTaskResource(tokn="x")


def test_the_page_names_what_there_is():
    fields = HttpTaskResource.model_fields
    listed = PAGE.partition("in Python's spelling:")[2].partition("and the others")[0]
    assert set(re.findall(r"`(\w+)`", listed)) <= set(fields)
    options = PAGE.partition("Options are those of a step:")[2].partition(".\n")[0]
    assert set(re.findall(r"`(\w+)`", options)) == set(Use.__annotations__)
    assert f"{MOST_PASSED // 2**20} MiB" in PAGE
    assert f"{MOST_SHOWN // 2**10} KiB" in PAGE


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", PAGE):
        assert (ROOT / "docs" / "engines" / target).resolve().exists(), target
