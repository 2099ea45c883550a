import json

import pytest

from web.chromium import expect
from web.serving import Serve
from web.watching import watched

#: Bytes of HTML, CSS and JavaScript of a page as they are sent, nothing compressed.
MOST = 150_000
PAGES = [
    "/",
    "/tasks/okta.create_agent_pools_update",
    "/tasks/okta.list_agent_pools",
    "/tasks/notes.list_notes",
    "/workflows",
    "/workflows/canary_roll_out",
]


def weight(page, path):
    """Return the bytes that a browser loads which has nothing yet."""
    page.goto(path, wait_until="load")
    answers = page.context.watch.answers
    assert {"document", "stylesheet", "script"} <= {answer.request.resource_type for answer in answers}
    return sum(len(answer.body()) for answer in answers)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_weighs_little(page, path):
    assert weight(page, path) < MOST


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """The page over a thousand tasks more."""
    folder = tmp_path_factory.mktemp("many")
    templates = folder / "templates"
    templates.mkdir()
    provider = {"id": "many", "servers": [{"url": "https://many.example.com"}]}
    (templates / "provider.yaml").write_text(json.dumps(provider), encoding="utf-8")
    for number in range(1000):
        task = {
            "id": f"many.list_things_of_kind_{number:04}",
            "summary": f"List all things of the kind number {number}, of which there are several",
            "tags": ["Things"],
            "method": "GET",
            "path": f"/api/v1/things/{number}/parts",
            "responses": {"200": {"description": "OK"}},
        }
        (templates / f"task_{number:04}.yaml").write_text(json.dumps(task), encoding="utf-8")
    serve = Serve(folder, "--templates", templates)
    yield serve
    serve.stop()


def test_a_thousand_tasks_weigh_no_more_and_are_searched_while_one_types(chromium, many, look):
    with chromium.in_use() as browser:
        with watched(browser, many.url) as context:
            page = context.new_page()
            page.goto(many.link)
            expect(page.get_by_role("status")).to_contain_text("1014 tasks")
            look(page)
            page.get_by_role("searchbox").fill("kind 0777")
            expect(page.get_by_role("list", name="Tasks").get_by_role("link")).to_have_count(1)
            cookies = context.cookies()
        for path in ("/", "/?q=things&start=950"):
            with watched(browser, many.url, cookies) as context:
                assert weight(context.new_page(), path) < MOST
