import json

import pytest

from httptask.cli import main

pytestmark = pytest.mark.broad

LIST_NOTES = ["test", "notes.list_notes", "--dry-run", "--json", "--templates"]


@pytest.fixture
def url(capsys, request):
    def dry_run(*arguments):
        folder = str(request.config.rootpath / "examples" / "templates")
        assert main([*LIST_NOTES, folder, *arguments]) == 0
        return json.loads(capsys.readouterr().out)["request"]["url"]

    return dry_run


def test_a_list_is_given_by_repeating_an_input(url):
    assert url("-i", "tag=a", "-i", "tag=b c").endswith("tag=a&tag=b%20c")


def test_a_list_with_one_item_needs_no_json(url):
    assert url("-i", "tag=a").endswith("tag=a")


def test_a_list_may_be_json(url):
    assert url("-i", 'tag=["a","b"]').endswith("tag=a&tag=b")
