"""What a run executes, as one document: its files by their real paths, and copies that lie only in a folder of theirs."""

import os
from pathlib import Path

import pytest

from httptask import definitions
from httptask.definitions import Definition, definition_of, loaded
from httptask.errors import DefinitionError
from httptask.loader import Library, load_workflow

PROVIDER = "id: acme\ntitle: Acme\nservers: [{url: https://api.example.com}]\n"
TASK = "id: acme.one\nmethod: GET\npath: /one\nsummary: One\ntags: [T]\nresponses: {200: {description: ok}}\n"
INNER = "name: {name}\nsteps:\n  - {{id: a, task: acme.one}}\n"


def using(name, *files):
    steps = "".join(f"  - {{id: s{index}, workflow: '{file}'}}\n" for index, file in enumerate(files))
    return f"name: {name}\nsteps:\n{steps}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "provider.yaml").write_text(PROVIDER)
    (tmp_path / "acme" / "one.yaml").write_text(TASK)
    (tmp_path / "work" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "deep")
    return tmp_path


@pytest.fixture
def stored(folder):
    def taken(file):
        registry = Library(root=folder / "acme").registry()
        return Definition.from_bytes(definition_of(load_workflow(Path(file), registry), registry).to_bytes())

    return taken


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def names(workflow):
    return [step.workflow.name for step in workflow.steps if step.workflow]


def test_a_workflow_that_lies_above_the_current_folder_is_stored_under_its_real_path(folder, stored):
    write(folder / "flow.yaml", INNER.format(name="flow"))
    definition = stored("../../flow.yaml")
    assert definition.workflow == str(folder / "flow.yaml")
    assert sorted(definition.files) == sorted(str(folder / name) for name in ("flow.yaml", "acme/one.yaml", "acme/provider.yaml"))
    with loaded(definition) as (workflow, _):
        assert workflow.name == "flow"


def test_a_reference_through_a_link_leads_to_the_same_file_when_it_is_read_from_copies(folder, stored):
    write(folder / "other" / "there" / "x.yaml", "no workflow")
    write(folder / "other" / "x.yaml", INNER.format(name="behind the link"))
    write(folder / "x.yaml", INNER.format(name="beside"))
    (folder / "link").symlink_to(folder / "other" / "there")
    write(folder / "flow.yaml", using("flow", "link/../x.yaml", "x.yaml", "./other/../x.yaml"))
    definition = stored("../../flow.yaml")
    (folder / "link").unlink()
    with loaded(definition) as (workflow, _):
        assert names(workflow) == ["behind the link", "beside", "beside"]


def test_a_workflow_that_is_a_link_takes_its_references_from_where_the_link_lies(folder, stored):
    write(folder / "store" / "abc.yaml", using("flow", "inner.yaml"))
    write(folder / "inner.yaml", INNER.format(name="inner"))
    (folder / "flow.yaml").symlink_to(folder / "store" / "abc.yaml")
    with loaded(stored(folder / "flow.yaml")) as (workflow, _):
        assert names(workflow) == ["inner"]


def test_a_provider_that_is_a_link_is_found_beside_its_templates(folder, stored):
    (folder / "acme" / "provider.yaml").rename(folder / "shared.yaml")
    (folder / "acme" / "provider.yaml").symlink_to(folder / "shared.yaml")
    write(folder / "flow.yaml", INNER.format(name="flow"))
    with loaded(stored(folder / "flow.yaml")) as (_, registry):
        assert registry["acme.one"].provider.id == "acme"


@pytest.mark.parametrize(
    "path", ["{0}/../victim.yaml", "victim.yaml", "{0}//victim.yaml", "{0}/./victim.yaml", "../victim.yaml", "/", "/\0", ""]
)
def test_a_stored_path_that_leads_elsewhere_is_refused_and_nothing_is_written_there(folder, stored, path):
    write(folder / "flow.yaml", INNER.format(name="flow"))
    whole = stored(folder / "flow.yaml")
    victim = path.format(folder)
    definition = Definition(whole.workflow, {**whole.files, victim: "name: evil"}, whole.links)
    with pytest.raises(DefinitionError, match="cannot be read from the journal"), loaded(definition):
        pass
    assert not list(folder.glob("**/victim.yaml"))


def test_one_stored_file_below_another_is_refused(folder, stored):
    write(folder / "flow.yaml", INNER.format(name="flow"))
    whole = stored(folder / "flow.yaml")
    definition = Definition(whole.workflow, {**whole.files, f"{whole.workflow}/more.yaml": "name: evil"}, whole.links)
    with pytest.raises(DefinitionError, match="cannot be read from the journal"), loaded(definition):
        pass


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"workflow": 1, "files": {}}', b'{"workflow": "/a", "files": {"/a": 1}}']
)
def test_a_document_that_is_none_is_refused(document):
    with pytest.raises(DefinitionError, match="cannot be read from the journal"):
        Definition.from_bytes(document)


@pytest.mark.parametrize("target", ["/elsewhere.yaml", "../x.yaml"])
def test_a_link_to_no_stored_file_is_refused(folder, stored, target):
    write(folder / "inner.yaml", INNER.format(name="inner"))
    write(folder / "flow.yaml", using("flow", "inner.yaml"))
    whole = stored(folder / "flow.yaml")
    definition = Definition(whole.workflow, whole.files, {whole.workflow: {"inner.yaml": target}})
    with pytest.raises(DefinitionError, match="cannot be read from the journal"), loaded(definition):
        pass


def test_a_path_that_is_no_unicode_cannot_be_stored(folder, stored):
    name = os.fsdecode(bytes(folder / "b") + b"\xff.yaml")
    write(Path(name), INNER.format(name="flow"))
    with pytest.raises(DefinitionError, match="cannot be stored") as caught:
        stored(name)
    assert "--no-journal" in str(caught.value)


def test_workflows_that_many_share_are_walked_once(folder, stored, monkeypatch):
    depth = 12
    for level in range(depth):
        inner = f"{level + 1}.yaml"
        write(folder / f"{level}.yaml", using(f"w{level}", *[inner] * 4))
    write(folder / f"{depth}.yaml", INNER.format(name="last"))
    walked = []
    step_of = definitions.Workflow.every_step

    def counted(workflow):
        walked.append(workflow.name)
        assert len(walked) < 100
        return step_of(workflow)

    monkeypatch.setattr(definitions.Workflow, "every_step", counted)
    assert len(stored(folder / "0.yaml").files) == depth + 3


def test_a_changed_file_is_named_by_its_real_path(folder, stored):
    write(folder / "flow.yaml", INNER.format(name="flow"))
    definition = stored("../../flow.yaml")
    assert definition.changed() == []
    write(folder / "flow.yaml", INNER.format(name="other"))
    assert definition.changed() == [str(folder / "flow.yaml")]
