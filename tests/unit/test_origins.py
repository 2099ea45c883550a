"""Each target that a server may name, and the URL it becomes on the connection's own origin, or its refusal."""

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from httptask.errors import EgressRefused
from httptask.origins import alias_origins, credential_allowed, hides_dot_segment, origin_of, same_origin_target

BASE = "https://acme.okta.com"
ALIASES = ("https://{subdomain}-admin.{rest}",)
ASKED = "https://acme.okta.com/api/v1/pools/p?limit=2"

ORIGINS = [
    ("https://Acme.Okta.com", "https://acme.okta.com"),
    ("HTTPS://acme.okta.com:443/x?y#z", "https://acme.okta.com"),
    ("http://acme.okta.com:80", "http://acme.okta.com"),
    ("http://acme.okta.com:443", "http://acme.okta.com:443"),
    ("https://acme.okta.com:08443", "https://acme.okta.com:8443"),
    ("https://b\xfccher.example", "https://xn--bcher-kva.example"),
    ("https://B\xdcCHER.example", "https://xn--bcher-kva.example"),
    ("https://XN--bcher-kva.example", "https://xn--bcher-kva.example"),
    ("https://[0:0:0:0:0:0:0:1]:8443", "https://[::1]:8443"),
    ("https://stra\xdfe.example", None),
    ("https://\uff41cme.okta.com", None),
    ("https://acme\u3002okta.com", None),
    ("https://user@acme.okta.com", None),
    ("https://acme.okta.com:", None),
    ("https://acme.okta.com:x", None),
    ("https://[::1%25eth0]", None),
    ("https://[::zz]", None),
    ("https://[::1", None),
    ("https://", None),
    ("ftp://acme.okta.com", None),
    ("//acme.okta.com", None),
    ("/path", None),
    ("", None),
]


@pytest.mark.parametrize(("url", "origin"), ORIGINS)
def test_an_origin_has_one_spelling(url, origin):
    assert origin_of(url) == origin


# target, path and query on the own origin
FOLLOWED = [
    ("https://acme.okta.com/api/v1/pools?after=a%3D%3D&limit=2", "/api/v1/pools?after=a%3D%3D&limit=2"),
    ("https://ACME.okta.COM:443/x", "/x"),
    ("HTTPS://acme.okta.com/x", "/x"),
    ("https://acme-admin.okta.com/api/v1/pools?after=x", "/api/v1/pools?after=x"),
    ("//acme.okta.com/x", "/x"),
    ("//acme-admin.okta.com/x", "/x"),
    ("/x?y=/../z&u=https://evil.example", "/x?y=/../z&u=https://evil.example"),
    ("?after=x", "/api/v1/pools/p?after=x"),
    ("q", "/api/v1/pools/q"),
    ("../q", "/api/v1/q"),
    ("../../../../../q", "/q"),
    ("https://acme.okta.com", ""),
    ("https://acme.okta.com/x#part", "/x"),
    ("https://acme.okta.com#@evil.example/../x", ""),
    ("/a%2Fb/%c3%a9", "/a%2Fb/%c3%a9"),
    ("/a//b", "/a//b"),
]


@pytest.mark.parametrize(("target", "place"), FOLLOWED)
def test_a_target_on_the_own_origin_is_taken_over(target, place):
    assert same_origin_target(BASE, target, ALIASES, against=ASKED) == BASE + place


REFUSED = [
    "https://evil.example/x",
    "//evil.example/x",
    "///evil.example/x",
    "////evil.example/x",
    "\\\\evil.example/x",
    "/\\evil.example/x",
    "https:\\\\acme.okta.com/x",
    "https:acme.okta.com/x",
    "https:/acme.okta.com/x",
    "https:///acme.okta.com/x",
    "http://acme.okta.com/x",
    "https://acme.okta.com:8443/x",
    "https://acme.okta.com.evil.example/x",
    "https://evil-acme.okta.com/x",
    "https://other-admin.okta.com/x",
    "http://acme-admin.okta.com/x",
    "https://acme.okta.com./x",
    "https://acme.okta.com@evil.example/x",
    "https://evil.example@acme.okta.com/x",
    "https://user:word@acme.okta.com/x",
    "https://acme.okta.com\\@evil.example/x",
    "https://acme%2eokta.com/x",
    "https://acme.okta.com%00.evil.example/",
    "https://evil.example\t/x",
    "https://acme.okta.com/\tx",
    "https://acme.okta.com/\r\nX-Evil: 1",
    "\thttps://evil.example",
    " /x",
    "/x y",
    "/x\x00",
    "/x\x7f",
    "/\xe9",
    "https://\uff41cme.okta.com/x",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://acme.okta.com/x",
    "file:///etc/passwd",
    "https://127.1/x",
    "https://2130706433/x",
    "https://[::1]/x",
    "https://[::1/x",
    "https://acme.okta.com/a/../b",
    "/a/%2e%2e/b",
    "/a/%252e%252e/b",
    "/a/%2E./b",
    "/a/..%2fb",
    "/a/..%5cb",
    "/a/..;x=1/b",
    "/a/%2e/b",
]


@pytest.mark.parametrize("target", REFUSED)
def test_a_target_that_leads_or_may_lead_elsewhere_is_refused_without_showing_it(target):
    with pytest.raises(EgressRefused) as caught:
        same_origin_target(BASE, target, ALIASES, against=ASKED)
    assert (caught.value.code, caught.value.phase) == ("egressRefused", "notSent")
    assert "evil" not in str(caught.value)


# Below a base path

PREFIXED = "https://gw.example.com/okta"


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("https://gw.example.com/okta/api/v1/x", f"{PREFIXED}/api/v1/x"),
        ("/okta/x", f"{PREFIXED}/x"),
        ("x", f"{PREFIXED}/x"),
        ("/okta", PREFIXED),
        ("/okta?x", f"{PREFIXED}?x"),
        ("/oktane/x", None),
        ("/x", None),
        ("../x", None),
        ("/okta/%2e%2e/x", None),
        ("/okta%2f..%2fx", None),
        ("/OKTA/x", None),
    ],
)
def test_a_target_stays_below_the_path_of_the_base_url(target, url):
    if url is None:
        with pytest.raises(EgressRefused):
            same_origin_target(PREFIXED, target)
    else:
        assert same_origin_target(PREFIXED, target) == url


ALIAS_ROWS = [
    ("https://acme.okta.com", ALIASES, ("https://acme-admin.okta.com",)),
    ("https://acme.okta.com:8443/x", ALIASES, ("https://acme-admin.okta.com",)),
    ("https://id.acme.example", ALIASES, ("https://id-admin.acme.example",)),
    ("http://localhost:8080", ALIASES, ()),
    ("http://127.0.0.1:8080", ALIASES, ()),
    ("http://[::1]:8080", ALIASES, ()),
    ("http://127.0.0.1:8080", ("https://fixed.example:8443",), ("https://fixed.example:8443",)),
    ("https://acme.okta.com", ("https://{subdomain}",), ("https://acme",)),
]


@pytest.mark.parametrize(("base", "aliases", "origins"), ALIAS_ROWS)
def test_an_alias_is_filled_from_the_connections_host(base, aliases, origins):
    assert alias_origins(base, aliases) == origins


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://acme.okta.com/x", True),
        ("https://ACME.okta.com:443", True),
        ("https://acme-admin.okta.com/x", False),
        ("http://acme.okta.com/x", False),
        ("https://acme.okta.com:8443/x", False),
        ("https://user@acme.okta.com/x", False),
        ("", False),
    ],
)
def test_a_credential_goes_to_the_own_origin_only(url, allowed):
    assert credential_allowed(BASE, url) is allowed


def test_two_urls_without_an_origin_are_not_the_same_origin():
    assert not credential_allowed("nonsense", "nonsense")


# Properties

PIECES = st.sampled_from(
    [
        *("https:", "http:", "//", "/", "\\", "acme.okta.com", "acme-admin.okta.com", "evil.example", "@", ":", "?", "#"),
        *("..", ".", "%2e", "%2f", "%5c", "%25", ";", "\t", "\n", " ", "\x00", "[::1]", "443", "x", "okta"),
        *("\u3002", "\uff0f", "\xe9", "&", "="),
    ]
)
TARGETS = st.one_of(st.lists(PIECES, max_size=9).map("".join), st.text(max_size=30))
BASES = st.sampled_from([BASE, PREFIXED, "http://127.0.0.1:8080", "https://[2606::1]:8443/a/b", "https://Acme.Okta.com:443"])


@given(BASES, TARGETS)
@example(BASE, "//evil.example")
@example(PREFIXED, "/okta/..%252f..%252fx")
def test_whatever_a_server_names_the_answer_is_on_the_own_origin_and_below_its_path_or_a_refusal(base, target):
    try:
        url = same_origin_target(base, target, ALIASES)
    except EgressRefused:
        return
    own, got = urlsplit(base), urlsplit(url)
    assert (got.scheme, got.netloc) == (own.scheme, own.netloc)
    assert url.isascii()
    assert not set(url) & set("\\ \t\r\n\x00#")
    assert got.path == own.path or got.path.startswith(own.path.rstrip("/") + "/")
    assert not hides_dot_segment(got.path)


@given(BASES, TARGETS)
def test_taking_a_target_over_twice_changes_nothing_more(base, target):
    try:
        url = same_origin_target(base, target, ALIASES)
    except EgressRefused:
        return
    assert same_origin_target(base, url, ALIASES) == url
