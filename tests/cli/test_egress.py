"""What the command refuses to reach, as a person sees it."""

import pytest

pytestmark = pytest.mark.slow

TOKEN = ("--token", "env:TOKEN")
TASK = ("test", "okta.list_agent_pools")


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]"])
def test_a_metadata_address_is_refused_as_an_outcome_that_names_the_way_to_allow_it(httptask, host):
    done = httptask(*TASK, "--base-url", f"https://{host}", *TOKEN, "--json", code=1, env={"TOKEN": "t-o-k-e-n"})
    failure = done.json["failure"]
    assert (failure["kind"], failure["retryable"]) == ("egressRefused", False)
    assert "allowLinkLocal = true" in failure["message"]


def test_a_name_of_this_machine_may_be_the_base_url(httptask):
    done = httptask(*TASK, "--base-url", "https://127.0.0.1:1", *TOKEN, "--json", code=1, env={"TOKEN": "t-o-k-e-n"})
    assert done.json["failure"]["kind"] == "refused"


def test_http_off_this_machine_is_refused_with_the_way_to_allow_it(httptask):
    done = httptask(*TASK, "--base-url", "http://acme.okta.com", *TOKEN, "--json", code=2, env={"TOKEN": "t-o-k-e-n"})
    (problem,) = done.json["error"]["problems"]
    assert (problem["where"], "allowHttp = true" in problem["hint"]) == ("--base-url", True)


@pytest.mark.parametrize("spelling", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "127.1", "127.0.0.1."])
def test_an_odd_spelling_of_an_address_is_no_base_url(httptask, spelling):
    done = httptask(*TASK, "--base-url", f"https://{spelling}", *TOKEN, "--json", code=2, env={"TOKEN": "t-o-k-e-n"})
    assert done.problems == ["--base-url"]
