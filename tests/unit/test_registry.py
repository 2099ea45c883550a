import pytest

from builders import template
from httptask.errors import Problem, UnknownTask
from httptask.registry import Registry, Summary


def summary(task, **changes):
    values = {
        "id": task,
        "provider": task.partition(".")[0],
        "method": "GET",
        "path": "/x/{id}",
        "summary": "Get an x",
        "tags": ("Xs",),
        "scopes": ("x.read",),
        "deprecated": False,
        "source": "x.yaml",
    }
    return Summary(**{**values, **changes})


@pytest.fixture
def registry():
    loads = []

    def load(found):
        loads.append(found.id)
        return template(id=found.id)

    made = Registry({name: summary(name) for name in ("b.put_y", "a.get_x")}, load)
    made.loads = loads
    return made


def test_tasks_come_in_the_order_of_their_ids(registry):
    assert (list(registry), len(registry), "a.get_x" in registry, "a" in registry) == (["a.get_x", "b.put_y"], 2, True, False)


def test_a_template_is_read_when_it_is_asked_for_and_only_once(registry):
    assert registry.loads == []
    assert registry["a.get_x"] is registry["a.get_x"]
    assert registry.loads == ["a.get_x"]


def test_an_unknown_task_names_the_nearest_one(registry):
    with pytest.raises(UnknownTask) as caught:
        registry["a.gett_x"]
    assert str(caught.value) == "a.gett_x: no such task (did you mean 'a.get_x'?)"


def test_an_unknown_task_that_is_like_none_says_where_all_are_listed(registry):
    with pytest.raises(UnknownTask, match="`httptask list` shows all tasks"):
        registry["zzzzzz"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", ["x.delete_a", "x.get_a"]),
        ("DELETE", ["x.delete_a"]),
        ("/things", ["x.get_a"]),
        ("fetch things", ["x.get_a"]),
        ("things delete", []),
        ("group", ["x.delete_a"]),
        ("  ", ["x.delete_a", "x.get_a"]),
    ],
)
def test_a_search_finds_every_word_in_id_method_path_summary_or_tags(search, found):
    known = {
        "x.get_a": summary("x.get_a", path="/things", summary="Fetch a thing"),
        "x.delete_a": summary("x.delete_a", method="DELETE", tags=("Group",)),
    }
    assert [item.id for item in Registry(known, template).summaries(search)] == found


def test_the_json_form_is_the_contract():
    assert summary("a.get_x").to_json() == {
        "id": "a.get_x",
        "provider": "a",
        "method": "GET",
        "path": "/x/{id}",
        "summary": "Get an x",
        "tags": ["Xs"],
        "scopes": ["x.read"],
        "deprecated": False,
    }


def test_asking_for_a_task_whose_file_cannot_be_listed_shows_what_is_wrong_with_the_file():
    broken = Problem("acme/broken.yaml:3:1", "not valid YAML")
    with pytest.raises(UnknownTask) as caught:
        Registry({}, lambda summary: None, (broken,))["acme.broken"]
    assert broken in caught.value.problems
