# Ids in a pasted path become parameters with names; words stay.
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curls import problems
from httptask.curl import naming
from httptask.curl.paths import path_of
from httptask.curl.signs import Watch
from httptask.errors import ImportFailed

POOL, UPDATE = "0oaspf3cfatE1nDO31d7", "ajdsyq8nql1HLhpHE1d7"
UUID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"


def found(path, secrets=(), host="api.example.com", taken=()):
    return path_of(path, Watch(secrets), host=host, taken=taken)


def template(path, **how):
    return found(path, **how).template


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("/a/b/", "/a/b/"),
        (
            f"/api/v1/agentPools/{POOL}/updates/{UPDATE}/activate",
            "/api/v1/agentPools/{{ agentPoolId }}/updates/{{ updateId }}/activate",
        ),
        (f"/users/{UUID}", "/users/{{ userId }}"),
        (f"/users/{UUID.replace('-', '').upper()}", "/users/{{ userId }}"),
        ("/users/42", "/users/{{ userId }}"),
        ("/42", "/{{ id }}"),
        ("/v1/42", "/v1/{{ id }}"),
        ("/api/42", "/api/{{ id }}"),
        ("/user-groups/12", "/user-groups/{{ userGroupId }}"),
        ("/user_groups/12", "/user_groups/{{ userGroupId }}"),
        ("/customers/cus_NffrFeUfNV2Hib", "/customers/{{ customerId }}"),
        ("/policies/1", "/policies/{{ policyId }}"),
        ("/addresses/1", "/addresses/{{ addressId }}"),
        ("/people/1/statuses/2", "/people/{{ personId }}/statuses/{{ statusId }}"),
        ("/boxes/1/branches/2", "/boxes/{{ boxId }}/branches/{{ branchId }}"),
        ("/users/1/2", "/users/{{ userId }}/{{ userId2 }}"),
        ("/a/deadbeefdeadbeef00", "/a/{{ aId }}"),
        ("/users/{id}", "/users/{{ id }}"),
        ("/users/:id/x", "/users/{{ id }}/x"),
        ("/users/<user-id>", "/users/{{ userId }}"),
        ("/users/{{userId}}", "/users/{{ userId }}"),
        ("/users/%7BuserId%7D", "/users/{{ userId }}"),
        ("/users/{id}.json", "/users/{{ id }}.json"),
        ("/a/{x}-{y}", "/a/{{ x }}-{{ y }}"),
        ("/a/{in}/{true}", "/a/{{ inValue }}/{{ trueValue }}"),
        ("/a/{é}", "/a/{{ id }}"),
        ("/a/{1}", "/a/{{ id1 }}"),
        ("/items:batchGet", "/items:batchGet"),
        ("/oauth2/v1/token", "/oauth2/v1/token"),
        ("/v2022-11-28/reports", "/v2022-11-28/reports"),
        ("/reports-2/agentPools", "/reports-2/agentPools"),
        (
            "/oauth2callback/s3-bucket-list/ipv4Addresses/agents-v2-beta",
            "/oauth2callback/s3-bucket-list/ipv4Addresses/agents-v2-beta",
        ),
        ("/a%20b/c%2Fd", "/a%20b/c%2Fd"),
        ("/é", "/%C3%A9"),
        ("/a%zz", "/a%25zz"),
        ('/a"b|c^d`e[f]', "/a%22b%7Cc%5Ed%60e%5Bf%5D"),
        ("/$metadata", "/$metadata"),
    ],
)
def test_ids_and_placeholders_become_parameters_and_words_stay(path, expected):
    assert template(path) == expected


def test_a_parameter_keeps_what_was_pasted_as_its_example():
    path = found(f"/pools/{POOL}/u%40x-12345/{{name}}")
    assert [(item.name, item.example) for item in path.parameters] == [("poolId", POOL), ("name", None)]
    assert path.segments == ("pools", None, "u@x-12345", None)


def test_names_that_are_taken_elsewhere_are_not_used_again():
    assert template("/users/1", taken={"userId"}) == "/users/{{ userId2 }}"


@pytest.mark.parametrize("path", ["/a/../b", "/..", "/a/./b", "/%2e%2e/a", "/a/%252e%252e", "/a/..;x/b", "/{..}/../a"])
def test_a_dot_segment_is_refused_in_any_encoding(path):
    (problem,) = problems(found, path)
    assert problem.startswith("URL: its path holds a . or .. segment")


@pytest.mark.parametrize("path", ["//a", "/a//b", "///"])
def test_an_empty_part_is_refused(path):
    (problem,) = problems(found, path)
    assert problem.startswith("URL: its path has an empty part")


def test_an_encoding_that_is_no_text_is_refused():
    assert problems(found, "/a/%ff")[0].startswith("URL: a percent-encoding in its path is not UTF-8")


@pytest.mark.parametrize("path", ["/a/tk7Zq9x4Lm2", "/a/x-tk7Zq9x4Lm2-y", "/bot123456:ABCDEFGHIJKLMNOPQRSTUVWX/send"])
def test_a_credential_in_the_path_is_a_parameter_without_an_example(path):
    (parameter,) = found(path, secrets=["tk7Zq9x4Lm2"]).parameters
    assert (parameter.example, parameter.is_secret) == (None, True)


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("hooks.example.com", "/services/T00000000/XXXXXXXX4XXXXXXXX2XXXXXX"),
        ("api.example.com", "/api/webhooks/1234/aZ0123456789-abcdefghijk"),
    ],
)
def test_the_secret_part_of_a_hooks_address_is_no_example(host, path):
    assert found(path, host=host).parameters[-1].is_secret


def test_a_credential_beside_a_placeholder_is_refused():
    (problem,) = problems(found, "/a/tk7Zq9x4Lm2{x}", ["tk7Zq9x4Lm2"])
    assert problem.startswith("URL: a part of its path is a credential")
    assert "tk7" not in problem


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.lists(st.text(st.sampled_from("abAB019-_.~{}<>:%é +;@/"), min_size=1, max_size=10), min_size=1, max_size=4))
def test_whatever_a_path_holds_its_template_holds_only_what_it_may(segments):
    try:
        path = found("/" + "/".join(segments))
    except ImportFailed:
        return
    literal = path.template
    for item in path.parameters:
        literal = literal.replace("{{ " + item.name + " }}", "x")
    assert set(literal) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~!$&'()*+,;=:@%/")
    assert len({item.name for item in path.parameters}) == len(path.parameters)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("api.example.com", "example"),
        ("example.com:8080", "example"),
        ("acme.okta.com", "okta"),
        ("www.example.co.uk", "example"),
        ("localhost", "localhost"),
        ("127.0.0.1:80", "local"),
        ("[::1]:80", "local"),
        ("my-service.internal", "my_service"),
        ("9gag.com", "api_9gag"),
        ("{yourOktaDomain}", "api"),
        ("{tenant}.example.com", "example"),
        ("xn--mnchen-3ya.example", "xn_mnchen_3ya"),
    ],
)
def test_a_provider_is_named_after_its_host(host, expected):
    assert naming.provider_id(host) == expected


@pytest.mark.parametrize(
    ("method", "segments", "expected"),
    [
        ("GET", ["v1", "widgets"], "list_widgets"),
        ("GET", ["v1", "widgets", None], "get_widget"),
        ("POST", ["v1", "widgets"], "create_widget"),
        ("POST", ["widgets", None], "update_widget"),
        ("PUT", ["widgets", None], "replace_widget"),
        ("PATCH", ["widgets", None], "update_widget"),
        ("DELETE", ["widgets", None], "delete_widget"),
        ("HEAD", ["widgets", None], "check_widget"),
        ("OPTIONS", ["widgets"], "describe_widgets"),
        ("GET", ["users", None, "sshKeys"], "list_user_ssh_keys"),
        ("GET", ["users", None, "sshKeys", None], "get_user_ssh_key"),
        ("POST", ["widgets", None, "activate"], "activate_widget"),
        ("POST", ["oauth", "token"], "post_oauth_token"),
        ("GET", ["me"], "get_me"),
        ("GET", ["users", "me"], "get_user_me"),
        ("GET", [""], "get_root"),
        ("POST", [None], "post_root"),
        ("GET", ["é"], "get_root"),
        ("GET", ["api", "v2"], "get_root"),
    ],
)
def test_a_task_is_named_after_what_it_does(method, segments, expected):
    assert naming.operation(method, segments) == expected


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(
    st.sampled_from(["GET", "POST", "DELETE"]),
    st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=5),
    st.text(max_size=30),
)
def test_every_name_is_one_that_a_definition_may_have(method, segments, text):
    assert naming.identifier_of_task(naming.operation(method, segments), "x") == naming.operation(method, segments)
    assert naming.operation(method, segments)[0].isalpha()
    assert naming.identifier(text, "id").isidentifier()
    assert naming.id_name(text).isidentifier()
    assert naming.provider_id(text)[0].isalpha()
