"""The page in a real browser: one Chromium and one `httptask serve` for each worker, a new context for each test."""

import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.command import NOTES, ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="session")
def chromium():
    from web.chromium import Chromium, executable

    found = executable()
    if found is None:
        pytest.skip("no browser here: install Debian's package `chromium`, or put one of that name on the PATH")
    browser = Chromium(found)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """The folder of the screenshots."""
    named = os.environ.get("HTTPTASK_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.getbasetemp() / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def hostile():
    from web.hostile import running

    with running() as server:
        yield server


@pytest.fixture(scope="session")
def site(tmp_path_factory, hostile):
    """The page over the shipped tasks, the notes of the examples and a hostile API, with the example workflows."""
    from web.hostile import profiles, write_templates
    from web.serving import Serve
    from web.workflow_files import write_workflows

    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(EXAMPLES, folder / "workflows", ignore=shutil.ignore_patterns("templates"))
    write_workflows(folder / "workflows")
    write_templates(folder / "templates")
    (folder / "connections.toml").write_text(profiles(hostile.url), encoding="utf-8")
    serve = Serve(folder, "--templates", folder / "templates", "--templates", NOTES)
    yield serve
    serve.stop()


@pytest.fixture(scope="session")
def cookies(chromium, site):
    """The session of the browser, begun by the link that was printed."""
    with chromium.in_use() as browser, browser.new_context() as context:
        context.new_page().goto(site.link)
        return context.cookies()


@pytest.fixture(scope="session")
def visit(chromium, site, cookies):
    """Opens a fresh profile with the session, watched until it ends."""
    from web.watching import watched

    @contextmanager
    def visiting(**options):
        with chromium.in_use() as browser, watched(browser, site.url, cookies, **options) as context:
            yield context

    return visiting


@pytest.fixture
def context(visit):
    with visit() as context:
        yield context


@pytest.fixture(scope="session")
def sandbox_address(visit):
    from web.sandboxes import address_of

    with visit() as context:
        return address_of(context.new_page())


@pytest.fixture
def sandbox(sandbox_address):
    """The sandbox of the page, as it begins."""
    from web.sandboxes import PageSandbox

    return PageSandbox(sandbox_address)


@pytest.fixture
def page(context):
    return context.new_page()


@pytest.fixture
def look(pictures, request):
    """Holds a state of a page to what people need of it, and keeps pictures, named for the test."""
    from web.looking import Eyes

    eyes = Eyes(pictures)
    test = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    return lambda page, state="", part=None: eyes(page, f"{test}{'-' if state else ''}{state}", part)
