# Whether a provider or a task for what was pasted exists already, and what to do next.
import json
import shlex

import pytest

from builders import parameter, provider, template
from curls import URL, curl, draft, found, notes, pasted
from httptask.curl.drafting import Wanted
from httptask.curl.matching import is_server_of, match_of, resembling
from httptask.curl.steps import references, steps_for_draft, steps_for_task
from httptask.loader import open_registry
from httptask.model import SecurityScheme
from httptask.registry import Summary

REGISTRY = open_registry()
OKTA = REGISTRY["okta.list_agent_pools"].provider
ACME = provider(server_url="https://api.example.com/v1")
PROVIDERS = {"acme": ACME, "okta": OKTA}
POOL = "0oaspf3cfatE1nDO31d7"


def summary(task, method, path):
    return Summary(task, task.partition(".")[0], method, path, "", (), (), deprecated=False, source="")


TASKS = [
    *REGISTRY.summaries(),
    summary("acme.list_things", "GET", "/things"),
    summary("acme.get_thing", "GET", "/things/{thingId}"),
    summary("acme.get_newest", "GET", "/things/newest"),
    summary("acme.get_all", "GET", "/{kind}/{id}"),
    summary("acme.get_root", "GET", "/"),
]


def match(text):
    found_match = match_of(pasted(text), PROVIDERS, TASKS)
    return found_match and (found_match.provider.id, found_match.task and found_match.task.id, dict(found_match.path_values))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([URL], ("acme", "acme.list_things", {})),
        ([f"{URL}/"], ("acme", "acme.list_things", {})),
        ([f"{URL}/x%20y"], ("acme", "acme.get_thing", {"thingId": "x y"})),
        ([f"{URL}/newest"], ("acme", "acme.get_newest", {})),
        (["https://api.example.com/v1/others/1"], ("acme", "acme.get_all", {"kind": "others", "id": "1"})),
        (["https://API.example.com:443/v1/"], ("acme", "acme.get_root", {})),
        ([URL, "-X", "DELETE"], ("acme", None, {})),
        (["https://api.example.com/v2/things"], None),
        (["https://api.example.com/v10"], None),
        (["http://api.example.com/v1/things"], None),
        (["https://other.example.com/v1/things"], None),
        (["https://acme.okta.com/api/v1/agentPools"], ("okta", "okta.list_agent_pools", {})),
        (["https://acme.oktapreview.com/api/v1/agentPools"], ("okta", "okta.list_agent_pools", {})),
        (["https://acme.okta.com/api/v1/users"], ("okta", None, {})),
        (["https://{yourOktaDomain}/api/v1/agentPools"], ("okta", "okta.list_agent_pools", {})),
        (
            [f"https://acme.okta.com/api/v1/agentPools/{POOL}/updates/settings"],
            ("okta", "okta.get_agent_pools_update_settings", {"poolId": POOL}),
        ),
        (["https://id.acme.com/api/v1/agentPools"], None),
    ],
)
def test_the_provider_of_the_server_and_the_task_of_the_same_shape_are_found(words, expected):
    assert match(curl(*words)) == expected


def test_a_task_of_a_server_with_any_host_resembles_what_was_pasted():
    at = pasted(curl("https://id.acme.com/api/v1/agentPools"))
    assert resembling(at, PROVIDERS, TASKS).id == "okta.list_agent_pools"
    assert resembling(pasted(curl(URL)), PROVIDERS, TASKS) is None


def test_a_host_that_only_looks_like_another_is_none():
    assert not is_server_of(PROVIDERS["acme"], pasted(curl("https://api.example.com.evil.example/v1/things")))
    assert not is_server_of(OKTA, pasted(curl("http://acme.okta.com/api")))


def lines(result, folder="t"):
    return [step.text for step in steps_for_draft(result, folder)[1]]


def test_the_steps_of_a_new_task_are_commands_with_what_was_pasted():
    words = [
        f"{URL}/{POOL}?limit=5&tag=a&tag=b",
        "-H",
        "Authorization: Bearer tk7-Zq9x4Lm2Vb8",
        "--json",
        '{"a": "it\'s", "password": "pw-12345"}',
    ]
    assert lines(draft(curl(*words)), "my templates") == [
        "export EXAMPLE_TOKEN=...",
        (
            "httptask connections add example --provider example --base-url https://api.example.com --token env:EXAMPLE_TOKEN"
            " --templates 'my templates'"
        ),
        (
            f'httptask test example.update_thing -i thingId={POOL} -i limit=5 -i \'tag=["a", "b"]\''
            " --body '{\"a\": \"it'\"'\"'s\"}' --connection example --templates 'my templates' --dry-run"
        ),
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([URL], ["httptask connections add example --provider example --base-url https://api.example.com --templates t"]),
        ([URL, "-u", "me:pw-12345"], ["export EXAMPLE_USERNAME=...", "export EXAMPLE_PASSWORD=..."]),
        ([URL, "-H", "X-Api-Key: k-12345678"], ["export EXAMPLE_API_KEY=..."]),
        ([URL, "-b", "sid=k-12345678"], ["export EXAMPLE_COOKIE=..."]),
        ([URL, "-H", "Authorization: Bearer $MINE"], ["export MINE=..."]),
    ],
)
def test_a_credential_is_named_after_its_provider_or_by_the_command(words, expected):
    assert lines(draft(curl(*words)))[: len(expected)] == expected


def test_a_connection_that_add_cannot_write_is_told_as_lines_for_the_file():
    assert lines(draft(curl("http://api.example.com/a", "-u", "me:pw-12345")))[2] == (
        '[connections.example]\nprovider = "example"\nbaseUrl = "http://api.example.com"\n'
        'username = "env:EXAMPLE_USERNAME"\npassword = "env:EXAMPLE_PASSWORD"\nallowHttp = true'
    )
    assert lines(draft(curl("http://api.example.com/a")))[0].endswith("allowHttp = true")
    assert lines(draft(curl("http://localhost:8080/a")))[0].startswith("httptask connections add")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"a": "x" * 500}, ["--body", "@FILE"]),
        ("-", ["--body", '"-"']),
        ("a\u2028b", ["--body", "@FILE"]),
        ([], ["--body", "[]"]),
    ],
)
def test_a_body_that_no_line_can_hold_is_left_to_a_file(body, words):
    made = shlex.split(lines(draft(curl(URL, "--json", json.dumps(body))))[-1])
    assert made[made.index("--body") :][:2] == words


def test_values_that_mean_something_to_the_command_line_are_escaped():
    made = shlex.split(lines(draft(curl(f"{URL}?a=%40file&b=%0A&c=%20")))[-1])
    assert made[3:9] == ["-i", "a=@@file", "-i", "b=VALUE", "-i", "c= "]
    text = shlex.split(lines(draft(curl(URL, "--data-raw", "@x", "-H", "Content-Type: text/plain")))[-1])
    assert text[3:5] == ["--body", "@@x"]


def test_what_is_required_without_an_example_is_left_to_be_filled_in():
    assert "-i id=VALUE" in lines(draft(curl(f"{URL}/{{id}}")))[-1]


SCHEMES = {
    "key": SecurityScheme("key", "apiKey", field_name="X-Api-Key"),
    "oauth": SecurityScheme("oauth", "oauth2"),
}


def test_a_provider_with_several_schemes_has_the_fitting_one_named():
    joined = provider(server_url="https://api.example.com/v1", security_schemes=SCHEMES)
    result = draft(curl(URL, "-H", "Authorization: Bearer tk7-Zq9x4Lm2Vb8"), joined=joined)
    assert "--base-url https://api.example.com/v1 --scheme oauth --token env:ACME_TOKEN" in lines(result)[1]
    assert "--scheme" not in lines(draft(curl(URL, "-H", "X-Api-Key: tk7-Zq9x4Lm2Vb8"), joined=joined))[1]


def existing(text, task):
    at, without = pasted(text), found(text)
    return steps_for_task(at, without, match_of(at, {task.provider.id: task.provider}, TASKS), task, None)


def test_the_steps_for_a_task_that_exists_use_its_names_and_tell_what_it_does_not_take():
    task = template(
        id="acme.get_thing",
        path="/things/{{ thingId }}",
        provider=provider(server_url="https://api.example.com/v1", security_schemes=SCHEMES),
        parameters=(parameter("thingId", "path"), parameter("limit")),
    )
    words = [f"{URL}/{POOL}?limit=5&other=1&token=tk7-Zq9x4Lm2Vb8", "-H", "X-Api-Key: tk7-Zq9x4Lm2Vb8k"]
    told, _, steps = existing(curl(*words), task)
    assert [step.text for step in steps] == [
        "export ACME_API_KEY=...",
        "httptask connections add acme --provider acme --base-url https://api.example.com/v1 --token env:ACME_API_KEY",
        f"httptask test acme.get_thing -i thingId={POOL} -i limit=5 --connection acme --dry-run",
    ]
    assert [note.subject for note in told if note.message == "acme.get_thing has no such parameter"] == ["other", "token"]
    assert "tk7" not in str((told, steps))


def test_a_credential_in_the_place_of_an_id_is_not_repeated():
    task = template(
        id="acme.get_thing", path="/things/{{ thingId }}", parameters=(parameter("thingId", "path"),), provider=PROVIDERS["acme"]
    )
    told, aim, steps = existing(curl(f"{URL}/tk7-Zq9x4Lm2Vb8", "-u", "me:tk7-Zq9x4Lm2Vb8"), task)
    assert told[-1].message == "no security scheme of acme takes this credential"
    assert "-i thingId=VALUE" in steps[-1].text
    assert aim.credential is None


def test_a_placeholder_in_the_place_of_an_id_is_left_to_be_filled_in():
    task = template(id="acme.get_thing", path="/things/{{ thingId }}", parameters=(parameter("thingId", "path"),), provider=ACME)
    assert "-i thingId=VALUE" in existing(curl(f"{URL}/{{thingId}}"), task)[2][-1].text


def test_references_name_variables_and_nothing_else():
    assert references("acme", None) == {}
    assert references("acme", found(curl(URL, "-u", "$A:pw-12345")).credential) == {
        "username": "env:A",
        "password": "env:ACME_PASSWORD",
    }


def test_ids_that_were_chosen_are_in_the_steps():
    assert "httptask test mine.go --connection mine" in lines(draft(curl(URL), wanted=Wanted("mine", "go")))[-1]
    assert notes(draft(curl(URL))) == {}
