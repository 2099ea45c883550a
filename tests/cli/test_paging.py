"""`test --all` against the standalone sandbox: one outcome for a whole list, within limits, told as it comes."""

import json

import pytest

pytestmark = pytest.mark.broad

LIST = "okta.list_agent_pools"
TWO = (LIST, "-i", "poolType=AD", "-i", "limitPerPoolType=2")
NAMES = ["corp", "emea", "apac", "lab", "dmz", "south", "archive"]


def names(outcome):
    return [pool["name"].partition(".")[0] for pool in outcome["outputs"]["pools"]]


def asked(sandbox):
    return [entry["status"] for entry in sandbox.control("requests")["received"]]


def test_all_pages_are_one_outcome(online, sandbox):
    outcome = online("test", *TWO, "--all", *sandbox.options, "--json").json
    assert names(outcome) == NAMES
    assert outcome["response"]["body"] == outcome["outputs"]["pools"]
    assert len(outcome["outputs"]["poolIds"]) == len(NAMES)
    assert [(attempt["number"], attempt["status"]) for attempt in outcome["attempts"]] == [(n, 200) for n in (1, 2, 3, 4)]
    assert "morePages" not in {warning["code"] for warning in outcome["warnings"]}
    assert asked(sandbox) == [200, 200, 200, 200]


def test_without_it_one_page_comes_with_a_warning_that_names_the_option(online, sandbox):
    outcome = online("test", *TWO, *sandbox.options, "--json").json
    assert names(outcome) == NAMES[:2]
    [warning] = [warning for warning in outcome["warnings"] if warning["code"] == "morePages"]
    assert "--all" in warning["message"]
    assert asked(sandbox) == [200]


@pytest.mark.parametrize(
    ("limits", "read", "why"),
    [
        (("--max-pages", 2), (4, 2), "maxPages"),
        (("--max-items", 3), (3, 2), "maxItems"),
        (("--max-items", 7), (7, 4), None),
        (("--max-pages", 9), (7, 4), None),
    ],
)
def test_limits_end_it_and_a_warning_says_so(online, sandbox, limits, read, why):
    outcome = online("test", *TWO, "--all", *limits, *sandbox.options, "--json").json
    assert (names(outcome), len(asked(sandbox))) == (NAMES[: read[0]], read[1])
    warned = [warning["message"] for warning in outcome["warnings"] if warning["code"] == "morePages"]
    assert warned == ([f"the list goes on: reading ended at {why}"] if why else [])


def test_pages_are_told_and_counted_for_people(online, sandbox):
    done = online("test", *TWO, "--all", "-v", *sandbox.options)
    assert [line.strip() for line in done.err.splitlines() if line.startswith("    page")] == [
        "page 1: 2 items, 2 so far",
        "page 2: 2 items, 4 so far",
        "page 3: 2 items, 6 so far",
        "page 4: 1 item, 7 so far",
    ]
    assert "4 pages, 7 items" in done.err
    assert "attempt 1" not in done.err
    assert '"archive.example.com"' in done.out + online("test", *TWO, "--all", *sandbox.options, "--json").out


def test_a_page_that_fails_fails_the_list_and_is_sent_again_only_with_retry(online, sandbox):
    sandbox.fault("ok, ok, 503")
    done = online("test", *TWO, "--all", *sandbox.options, code=1)
    assert "page 3: 503" in done.err
    assert "attempt 3: 503" in done.err
    assert "would retry" in done.err
    assert asked(sandbox) == [200, 200, 503]
    sandbox.control("reset", {})
    sandbox.fault("ok, ok, 503")
    outcome = online("test", *TWO, "--all", "--retry", *sandbox.options, "--json").json
    assert names(outcome) == NAMES
    assert [attempt["status"] for attempt in outcome["attempts"]] == [200, 200, 503, 200, 200]


def test_the_time_limit_is_for_all_pages_together(online, sandbox):
    sandbox.fault("slow(0.4s)x9")
    outcome = online("test", *TWO, "--all", "--timeout", "0.7", *sandbox.options, "--json", code=1).json
    assert outcome["failure"]["message"].startswith("page 2: ")
    assert len(asked(sandbox)) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((LIST, "--max-pages", "2"), "limit what --all reads"),
        ((LIST, "--max-items", "2"), "limit what --all reads"),
        ((LIST, "--all", "--max-items", "0"), "--max-items"),
        ((LIST, "--all", "--fault", "503"), "give one of them"),
        (("okta.get_agent_pools_update_settings", "-i", "poolId=x", "--all"), "no further pages"),
        (
            ("okta.activate_agent_pools_update", "-i", "poolId=x", "-i", "updateId=y", "--all"),
            "no further pages",
        ),
    ],
)
def test_what_cannot_be_paged_is_refused_before_anything_is_sent(inside, arguments, words):
    assert words in inside("test", *arguments, code=2).err


def test_show_says_how_a_task_pages(inside):
    shown = inside("show", LIST).out
    assert "the Link header names the next page (rel=next)" in shown
    assert "--all" in shown
    assert inside("show", LIST, "--json").json["paging"] == {"style": "link"}
    for task in ("okta.get_agent_pools_update_settings", "okta.create_agent_pools_update"):
        assert "Pages" not in inside("show", task).out
        assert "paging" not in inside("show", task, "--json").json


def test_a_sandbox_with_many_pools_is_paged_over_sockets(httptask):
    process = httptask.start("sandbox", "--pools", "60", "--rate-limit", "1000000/60")
    try:
        server = json.loads(process.stdout.readline())["url"]
        task = (LIST, "-i", "poolType=AD", "-i", "limitPerPoolType=1", "--base-url", server, "--token", "env:TOKEN")
        outcome = httptask("test", *task, "--all", "--json", env={"TOKEN": "sandbox-token"}).json
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert len(set(outcome["outputs"]["poolIds"])) == len(outcome["attempts"]) == 60


@pytest.mark.parametrize("count", ["0", "100001", "x"])
def test_a_number_of_pools_out_of_range_is_refused(inside, count):
    assert "pools" in inside("sandbox", "--pools", count, code=2).err
