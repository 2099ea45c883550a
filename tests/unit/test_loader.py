import hashlib
import json

import pytest

from httptask import loader
from httptask.errors import TemplateInvalid, WorkflowInvalid
from httptask.loader import Library, open_registry, shipped

PROVIDER = "id: {0}\ntitle: T\nservers: [{{url: https://{0}.example.com}}]\n"
TASK = "id: {}\nmethod: GET\npath: /x\nresponses: {{'200': {{description: ok}}}}\nsummary: S\n"


def add(folder, provider, *tasks):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "provider.yaml").write_text(PROVIDER.format(provider))
    for task in tasks:
        (folder / f"{task}.yaml").write_text(TASK.format(f"{provider}.{task}"))
    return folder


@pytest.fixture
def acme(tmp_path):
    return add(tmp_path / "acme", "acme", "one", "two")


def test_a_folder_of_templates_is_listed_without_a_full_check(acme):
    registry = Library(root=acme).registry()
    assert (list(registry), registry.problems) == (["acme.one", "acme.two"], ())
    assert registry["acme.one"].summary == "S"


def test_templates_may_stand_in_folders_below_the_provider(acme):
    (acme / "group" / "deep").mkdir(parents=True)
    (acme / "group" / "deep" / "three.yaml").write_text(TASK.format("acme.three"))
    assert Library(root=acme).registry()["acme.three"].provider.id == "acme"


def test_a_folder_may_hold_several_providers_one_inside_the_other_too(tmp_path):
    add(tmp_path / "a", "a", "one")
    add(tmp_path / "a" / "inner", "b", "one")
    registry = Library(root=tmp_path).registry()
    assert [(task, registry[task].provider.id) for task in registry] == [("a.one", "a"), ("b.one", "b")]


def test_users_folders_stand_beside_the_first_one(acme, tmp_path):
    mine = add(tmp_path / "mine", "mine", "task")
    assert list(Library([mine], root=acme).registry()) == ["acme.one", "acme.two", "mine.task"]


def test_users_folders_stand_beside_the_shipped_ones(acme):
    tasks = list(open_registry([acme]))
    assert {"acme.one", "okta.list_agent_pools"} < set(tasks)
    assert len(tasks) == 16


def test_a_folder_that_is_given_twice_counts_once(acme):
    assert len(Library([acme, acme / ".." / "acme"], root=acme).registry()) == 2


def test_a_folder_behind_a_symbolic_link_is_as_good_as_any(acme, tmp_path):
    (acme / "schemas.yaml").write_text("Thing: {type: string}\n")
    (acme / "three.yaml").write_text(TASK.format("acme.three").replace("ok", "ok, schema: {$ref: schemas.yaml#/Thing}"))
    (tmp_path / "far" / "away").mkdir(parents=True)
    link = tmp_path / "far" / "away" / "link"
    link.symlink_to(acme)
    assert Library(root=link).registry()["acme.three"].definitions


def test_the_same_id_in_two_files_is_an_error_that_names_both(acme):
    (acme / "copy.yaml").write_text(TASK.format("acme.one"))
    with pytest.raises(TemplateInvalid, match=r"one\.yaml: task 'acme\.one' is defined twice \(also in .*copy\.yaml; rename"):
        Library(root=acme).registry()


def test_a_second_provider_of_one_id_is_refused_and_both_files_are_named(acme, tmp_path):
    second = add(tmp_path / "second", "acme", "three", "four")
    with pytest.raises(TemplateInvalid) as caught:
        Library([second], root=acme).registry()
    (problem,) = caught.value.problems
    assert (problem.where, problem.message) == (str(second / "provider.yaml"), "provider 'acme' is defined twice")
    assert str(acme / "provider.yaml") in problem.hint


def test_a_second_provider_of_one_id_is_found_by_the_check(acme, tmp_path):
    library = Library()
    library.check(acme / "provider.yaml")
    with pytest.raises(TemplateInvalid, match="provider 'acme' is defined twice"):
        library.check(add(tmp_path / "second", "acme") / "provider.yaml")


def test_a_task_of_another_providers_name_is_told_as_before(acme, tmp_path):
    mine = add(tmp_path / "mine", "mine")
    (mine / "odd.yaml").write_text(TASK.format("acme.odd"))
    registry = Library([mine], root=acme).registry()
    assert registry.problems == ()
    with pytest.raises(TemplateInvalid, match="the id must begin with"):
        registry["acme.odd"]


@pytest.mark.parametrize(
    "content",
    [
        "id: acme.broken\nmethod: [\n",
        "",
        "- list\n",
        "text\n",
        "id: acme.broken\n",
        "id: 5\nmethod: GET\npath: /\n",
        TASK.format("acme.broken") + "security: [{key: }]\n",
        TASK.format("acme.broken") + "security: [key]\n",
        TASK.format("acme.broken") + "security: 5\n",
        TASK.format("acme.broken") + "tags: [1]\n",
        TASK.format("acme.broken").replace("summary: S", "summary: {}"),
        b"\xff\xfe\x00",
    ],
)
def test_a_broken_file_hides_no_other(acme, content):
    (acme / "broken.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    registry = Library(root=acme).registry()
    assert list(registry) == ["acme.one", "acme.two"]
    assert [problem.where.partition(".yaml")[0].rpartition("/")[2] for problem in registry.problems] == ["broken"]


def test_a_file_that_lists_well_and_is_wrong_is_refused_when_it_is_asked_for(acme):
    (acme / "wrong.yaml").write_text(TASK.format("acme.wrong") + "nonsense: 1\n")
    registry = Library(root=acme).registry()
    assert "acme.wrong" in registry
    with pytest.raises(TemplateInvalid, match="unknown key 'nonsense'"):
        registry["acme.wrong"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("empty", r"no provider\.yaml in this folder"), ("missing", "there is no such folder"), ("file", "there is no such folder")],
)
def test_a_folder_without_a_provider_is_an_error(tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(TemplateInvalid, match=message + r" \(a folder of templates holds"):
        Library(root=tmp_path / name).registry()


def test_a_template_without_a_provider_above_it_is_an_error(tmp_path):
    (tmp_path / "task.yaml").write_text(TASK.format("acme.task"))
    with pytest.raises(TemplateInvalid, match=r"no provider\.yaml in this folder or above it"):
        Library(root=tmp_path).template(tmp_path / "task.yaml")


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(TemplateInvalid, match="cannot be read: No such file or directory"):
        loader.read_bytes(tmp_path / "missing.yaml")
    with pytest.raises(TemplateInvalid, match="cannot be read: Is a directory"):
        loader.read_bytes(tmp_path)


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(loader, "LARGEST_FILE", 1024 * 1024)
    (tmp_path / "huge.yaml").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(TemplateInvalid, match=r"larger than 1 MiB \(this is no definition file\)"):
        loader.read_bytes(tmp_path / "huge.yaml")


def test_files_below_the_current_folder_are_shown_as_a_person_would_type_them(acme, monkeypatch, tmp_path):
    monkeypatch.chdir(acme.parent)
    assert loader.shown(acme / "one.yaml") == "acme/one.yaml"
    monkeypatch.chdir(acme)
    assert loader.shown(tmp_path / "other.yaml") == str(tmp_path / "other.yaml")


STEP = "name: w\nsteps:\n  - {id: a, task: acme.one}\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("provider.yaml", "id: acme\n", "'title' is missing"),
        ("schemas.yaml", "A: {type: nope}\n", "A.type must be one of"),
        ("three.yaml", TASK.format("other.three"), "the id must begin with 'acme.'"),
        ("flow.yaml", STEP.replace("acme.one", "acme.on"), "no such task"),
        ("flow.yaml", STEP + "x: 1\n", "unknown key 'x'"),
    ],
)
def test_every_kind_of_file_can_be_checked(acme, name, content, message):
    (acme / name).write_text(content)
    with pytest.raises((TemplateInvalid, WorkflowInvalid), match=message):
        Library(root=acme).check(acme / name)


@pytest.mark.parametrize(("name", "content"), [("one.yaml", None), ("provider.yaml", None), ("schemas.yaml", "A: {}\n")])
def test_a_good_file_passes_the_check(acme, name, content):
    if content:
        (acme / name).write_text(content)
    Library(root=acme).check(acme / name)


def test_a_good_workflow_passes_the_check(acme, tmp_path):
    (tmp_path / "flow.yaml").write_text(STEP)
    Library(root=acme).check(tmp_path / "flow.yaml")


def found_from(monkeypatch, package):
    monkeypatch.setattr(loader, "__file__", str(package / "loader.py"))
    return shipped.__wrapped__


def test_in_a_wheel_the_templates_are_found_beside_the_package(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "httptask"
    (package / "task_templates").mkdir(parents=True)
    assert found_from(monkeypatch, package)("task_templates") == package / "task_templates"


def test_in_a_checkout_the_templates_are_found_at_its_root(tmp_path, monkeypatch):
    package = tmp_path / "plugin" / "httptask"
    package.mkdir(parents=True)
    (tmp_path / "task_templates").mkdir()
    (tmp_path / "pyproject.toml").touch()
    assert found_from(monkeypatch, package)("task_templates") == tmp_path / "task_templates"


def test_a_wheel_in_a_folder_called_plugin_is_no_checkout(tmp_path, monkeypatch):
    package = tmp_path / "plugin" / "httptask"
    (package / "task_templates").mkdir(parents=True)
    assert found_from(monkeypatch, package)("task_templates") == package / "task_templates"


def test_an_installation_that_is_not_whole_says_so(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"httptask's own manifest\.json is missing; install the package again"):
        found_from(monkeypatch, tmp_path)("manifest.json")


@pytest.fixture
def indexed(acme, tmp_path, monkeypatch):
    """Ship `acme` with a manifest that calls its first task by another summary, so that one sees which is read."""
    digest = hashlib.sha256((acme / "one.yaml").read_bytes()).hexdigest()
    task = {"id": "acme.one", "method": "GET", "path": "/x", "summary": "from the index", "source": {"sha256": digest}}
    (tmp_path / "manifest.json").write_text(json.dumps({"tasks": [task]}))
    monkeypatch.setattr(loader, "shipped", {"task_templates": acme, "manifest.json": tmp_path / "manifest.json"}.__getitem__)
    return acme


def summaries():
    return {item.id: item.summary for item in Library().registry().summaries()}


def test_an_unchanged_file_is_listed_from_the_index(indexed):
    assert summaries() == {"acme.one": "from the index", "acme.two": "S"}


def test_a_changed_file_is_read_although_the_index_knows_it(indexed):
    (indexed / "one.yaml").write_text(TASK.format("acme.one").replace("summary: S", "summary: changed"))
    assert summaries()["acme.one"] == "changed"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"tasks": 5}', '{"tasks": [{}]}', "{", "\x00"])
def test_a_broken_index_costs_time_and_nothing_else(indexed, tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    assert summaries() == {"acme.one": "S", "acme.two": "S"}


def test_what_was_listed_once_is_not_parsed_again_while_the_file_is_the_same(acme, monkeypatch):
    listed = {}
    Library(root=acme, listed=listed).registry()
    (acme / "one.yaml").write_text(TASK.format("acme.one").replace("summary: S", "summary: Edited"))
    read = []
    parse = loader._listed
    monkeypatch.setattr(loader, "_listed", lambda raw, file: read.append(file.name) or parse(raw, file))
    registry = Library(root=acme, listed=listed).registry()
    assert read == ["one.yaml"]
    assert [summary.summary for summary in registry.summaries()] == ["Edited", "S"]
