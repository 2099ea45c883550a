import os

import pytest

from httptask.errors import TemplateInvalid, UnknownTask, WorkflowInvalid
from httptask.web.catalogue import Catalogue, stamp_of
from httptask.web.workflow_files import WorkflowFiles
from pages import PROVIDER, THING, folder

TASK = "acme.make_thing"
FLOW = "name: {}\ndescription: Does it\nsteps:\n  - {{id: one, task: okta.list_agent_pools}}\n"


@pytest.fixture
def acme(tmp_path):
    return folder(tmp_path / "acme")


@pytest.fixture
def catalogue(acme):
    return Catalogue([acme])


def write(file, text):
    """Change a file so that its time tells it too, whatever the clock of the file system is."""
    file.write_text(text)
    state = file.stat()
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns + 1_000_000))


def test_the_same_files_are_not_read_again(catalogue):
    registry = catalogue.registry()
    assert catalogue.registry() is registry
    assert catalogue.task(TASK).template is catalogue.task(TASK).template


def test_an_edited_template_is_seen_at_once(catalogue, acme):
    assert catalogue.task(TASK).template.summary == "Make a thing"
    write(acme / "make_thing.yaml", THING.replace("Make a thing", "Make it"))
    assert catalogue.task(TASK).template.summary == "Make it"
    assert catalogue.search("acme", 0, 9).summaries[0].summary == "Make it"


def test_a_new_and_a_deleted_file_are_seen_at_once(catalogue, acme):
    (acme / "below").mkdir()
    (acme / "below" / "more.yaml").write_text(THING.replace("make_thing", "make_more"))
    assert catalogue.search("acme", 0, 9).total == 2
    (acme / "make_thing.yaml").unlink()
    assert catalogue.search("acme", 0, 9).total == 1
    with pytest.raises(UnknownTask):
        catalogue.task(TASK)


def test_an_edited_provider_is_seen_at_once(catalogue, acme):
    assert catalogue.task(TASK).template.provider.title == "Acme"
    write(acme / "provider.yaml", PROVIDER.replace("title: Acme", "title: New"))
    assert catalogue.task(TASK).template.provider.title == "New"


@pytest.mark.parametrize("broken", [THING.replace("method: POST", "method: FETCH"), "id: [", "nonsense", ""])
def test_a_broken_file_shows_what_is_wrong_and_the_task_as_it_was(catalogue, acme, broken):
    catalogue.task(TASK)
    write(acme / "make_thing.yaml", broken)
    found = catalogue.task(TASK)
    assert found.template.summary == "Make a thing"
    assert any("make_thing.yaml" in problem.where for problem in found.problems)
    write(acme / "make_thing.yaml", THING)
    assert catalogue.task(TASK).problems == ()


def test_a_task_that_was_never_good_is_an_error(acme):
    write(acme / "make_thing.yaml", THING.replace("method: POST", "method: FETCH"))
    with pytest.raises(TemplateInvalid, match="method"):
        Catalogue([acme]).task(TASK)


def test_what_keeps_all_files_from_being_read_leaves_them_as_they_were(catalogue, acme):
    (acme / "twin.yaml").write_text(THING)
    assert catalogue.search("acme", 0, 9).total == 1
    assert "defined twice" in catalogue.problems[0].message
    (acme / "twin.yaml").unlink()
    assert catalogue.registry()
    assert catalogue.problems == ()


def test_one_file_that_cannot_be_listed_hides_no_other(catalogue, acme):
    (acme / "junk.yaml").write_text("id: [")
    assert catalogue.search("acme", 0, 9).total == 1
    assert "junk.yaml" in catalogue.problems[0].where


def test_a_folder_that_is_gone_leaves_its_tasks_until_it_is_back(catalogue, acme):
    acme.rename(acme.with_name("elsewhere"))
    assert catalogue.search("acme", 0, 9).total == 1
    assert "there is no such folder" in catalogue.problems[0].message


def test_a_link_that_leads_nowhere_is_no_error_of_the_stamp(acme):
    before = stamp_of([acme])
    (acme / "link.yaml").symlink_to(acme / "nothing.yaml")
    assert len(stamp_of([acme])) == len(before) + 1


# --- workflow files ---


@pytest.fixture
def flows(tmp_path):
    made = tmp_path / "flows"
    made.mkdir()
    (made / "one.yaml").write_text(FLOW.format("first"))
    return made


@pytest.fixture
def registry():
    return Catalogue([]).registry()


def test_workflows_are_listed_by_name_with_what_they_say(flows):
    (flows / "two.yml").write_text(FLOW.format("second"))
    found = WorkflowFiles([flows]).listed()
    assert [(item.name, item.description, item.steps, item.problems) for item in found] == [
        ("first", "Does it", 1, ()),
        ("second", "Does it", 1, ()),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {image: nginx}}",
        "name: ci\nsteps:\n  - script: make\n",
        "name: ci\nsteps:\n  - task: UsePython@0\n",
        "- 1\n",
        "id: acme.x\nmethod: GET\n",
        "steps: [{id: a, task: b}]\n",
        "a: [",
    ],
)
def test_other_files_of_a_folder_are_left_alone(flows, text):
    (flows / "other.yaml").write_text(text)
    assert [item.name for item in WorkflowFiles([flows]).listed()] == ["first"]


def test_a_file_that_is_too_large_to_be_one_is_left_alone(flows):
    (flows / "large.yaml").write_text(FLOW.format("large") + "#" * 1024 * 1024)
    assert [item.name for item in WorkflowFiles([flows]).listed()] == ["first"]


def test_an_edited_workflow_is_seen_at_once_and_a_broken_one_says_why(flows, registry):
    files = WorkflowFiles([flows])
    assert files.load("first", registry).description == "Does it"
    write(flows / "one.yaml", FLOW.format("first").replace("Does it", "Does more"))
    assert files.load("first", registry).description == "Does more"
    write(flows / "one.yaml", FLOW.format("first") + "  bad: [")
    [listed] = files.listed()
    assert (listed.name, bool(listed.problems)) == ("one", True)
    with pytest.raises(WorkflowInvalid, match=r"one\.yaml:"):
        files.load("one", registry)


def test_a_workflow_that_does_not_fit_its_tasks_says_why(flows, registry):
    write(flows / "one.yaml", FLOW.format("first").replace("okta.list_agent_pools", "okta.list_agent_pool"))
    with pytest.raises(WorkflowInvalid, match="did you mean"):
        WorkflowFiles([flows]).load("first", registry)


def test_two_files_of_one_name_are_told_apart(flows):
    (flows / "two.yaml").write_text(FLOW.format("first"))
    found = WorkflowFiles([flows]).listed()
    assert [(item.name, bool(item.problems)) for item in found] == [("first", False), ("first (two.yaml)", True)]


def test_an_unknown_workflow_names_the_nearest_one(flows, registry):
    with pytest.raises(WorkflowInvalid, match="did you mean 'first'"):
        WorkflowFiles([flows]).load("firts", registry)


def test_without_a_folder_the_current_one_and_its_workflows_are_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.yaml").write_text(FLOW.format("here"))
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "there.yaml").write_text(FLOW.format("there"))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "nowhere.yaml").write_text(FLOW.format("nowhere"))
    assert [item.name for item in WorkflowFiles().listed()] == ["here", "there"]


def test_a_named_folder_that_is_none_is_a_mistake(tmp_path):
    with pytest.raises(WorkflowInvalid, match="there is no such folder"):
        WorkflowFiles([tmp_path / "nothing"])
