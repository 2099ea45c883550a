import pytest

from httptask.baseurl import check_base_url, is_loopback
from httptask.errors import ConfigurationError


def refusal(text, provider_id="okta"):
    with pytest.raises(ConfigurationError) as caught:
        check_base_url(text, provider_id=provider_id, where="--base-url")
    (problem,) = caught.value.problems
    assert problem.where == "--base-url"
    return problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://acme.okta.com", "https://acme.okta.com"),
        ("https://acme.okta.com/", "https://acme.okta.com"),
        ("HTTPS://Acme.Okta.COM", "https://acme.okta.com"),
        ("https://acme.okta.com:443", "https://acme.okta.com"),
        ("https://acme.okta.com:8443/", "https://acme.okta.com:8443"),
        ("https://gw.example.com/okta", "https://gw.example.com/okta"),
        ("https://gw.example.com/Okta/v%2F1/", "https://gw.example.com/Okta/v%2F1"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
        ("https://xn--strae-oqa.example", "https://xn--strae-oqa.example"),
        ("https://okta_stub:8080", "https://okta_stub:8080"),
        ("https://10.0.0.7", "https://10.0.0.7"),
        ("https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.8.9.10:80", "http://127.8.9.10"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_a_base_url_is_brought_into_one_spelling(text, expected):
    assert check_base_url(text, provider_id="okta", where="") == expected
    assert check_base_url(expected, provider_id="okta", where="") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a web address"),
        ("acme.okta.com", "not a web address"),
        ("acme.okta.com:443", "not a web address"),
        ("ftp://acme.okta.com", "not a web address"),
        ("https:acme.okta.com", "not a web address"),
        ("https:/acme.okta.com", "not a web address"),
        ("https://", "names no host"),
        ("https:///path", "names no host"),
        ("https://:443", "names no host"),
        ("http://acme.okta.com", "without https"),
        ("http://localhost.evil.example", "without https"),
        ("http://127.0.0.1.evil.example", "without https"),
        ("http://[::2]", "without https"),
        ("https://user:c4n4ry@acme.okta.com", "user name or password"),
        ("https://@acme.okta.com", "user name or password"),
        ("https://acme.okta.com?x=c4n4ry", "no query"),
        ("https://acme.okta.com/?", "no query"),
        ("https://acme.okta.com/#c4n4ry", "no fragment"),
        (" https://acme.okta.com", "a space"),
        ("https://acme.okta.com\n", "a space"),
        ("https://acme.okta\t.com", "a space"),
        ("https://acme.okta.com\x7f", "a space"),
        ("https://acme.okta.com\\@evil.example", "a backslash"),
        ("https://acme.okta.com/a\u00a0b", "a space"),
        ("https://acme.okta.com:0", "port 0"),
        ("https://acme.okta.com:65536", "cannot be read"),
        ("https://acme.okta.com:https", "cannot be read"),
        ("https://[::1", "cannot be read"),
        ("https://[fe80::1%25eth0]", "IP address"),
        ("https://acme..okta.com", "not a valid name"),
        ("https://acme.okta.com.", "not a valid name"),
        ("https://-acme.okta.com", "not a valid name"),
        ("https://acme%2eokta.com", "not a valid name"),
        ("https://" + "a" * 64 + ".com", "not a valid name"),
        ("https://" + "a.aaaaaaa" * 30 + ".com", "not a valid name"),
        ("https://127.1", "IP address"),
        ("https://2130706433", "IP address"),
        ("https://0x7f.0x1", "IP address"),
        ("https://straße.example", "no single ASCII form"),
        ("https://１２７.0.0.1", "no single ASCII form"),  # noqa: RUF001 - full-width digits are the point
        ("https://ü..example", "no single ASCII form"),
        ("https://acme。okta.com", "no single ASCII form"),
        ("https://gw.example.com/a/../b", ". or .. segment"),
        ("https://gw.example.com/%2e%2E/b", ". or .. segment"),
        ("https://gw.example.com/a//b", "empty part"),
        ("https://gw.example.com/ü", "percent-encoded"),
        ("https://gw.example.com/%zz", "percent-encoded"),
    ],
)
def test_a_base_url_that_could_mislead_a_credential_is_refused(text, message):
    problem = refusal(text)
    assert message in problem.message
    assert problem.hint
    assert "c4n4ry" not in str(problem)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("https://acme-admin.okta.com", "admin console", "use https://acme.okta.com"),
        ("https://acme-admin.oktapreview.com/", "admin console", "use https://acme.oktapreview.com"),
        ("https://acme-admin.okta-emea.com", "admin console", "use https://acme.okta-emea.com"),
        ("https://{yourOktaDomain}", "placeholder", "https://acme.okta.com"),
        ("https://${yourOktaDomain}/", "placeholder", "https://acme.okta.com"),
        ("https://yourOktaDomain", "placeholder", "https://acme.okta.com"),
        ("https://acme.okta.com.com", ".com twice", "once"),
        ("https://acme.okta.com/api/v1/", "already", "remove /api/v1"),
        ("https://<your-domain>", "placeholder", "https://acme.okta.com"),
        ("https://<your-domain>.okta.com", "placeholder", "https://acme.okta.com"),
        ("https://acme.okta.com/oauth2/default", "authorization server", "remove /oauth2/default"),
        ("https://id.acme.com/oauth2", "authorization server", "remove /oauth2"),
        ("https://acme.okta.com/oauth2/aus1a2b3/v1/token", "authorization server", "remove /oauth2/aus1a2b3/v1/token"),
        ("https://acme.okta.com/admin/dashboard", "admin console", "remove /admin/dashboard"),
        ("https://acme.oktapreview.com/admin", "admin console", "remove /admin"),
    ],
)
def test_mistakes_that_okta_users_make_come_with_their_mend(text, message, hint):
    problem = refusal(text)
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize("text", ["https://gw.example.com/admin/okta", "https://gw.example.com/oauth2-gateway"])
def test_a_gateways_own_path_is_fine_for_okta(text):
    assert check_base_url(text, provider_id="okta", where="") == text


@pytest.mark.parametrize("text", ["https://acme-admin.okta.com", "https://acme.com.com", "https://gw.example.com/api/v1"])
def test_what_is_a_mistake_for_okta_is_fine_for_another_provider(text):
    assert check_base_url(text, provider_id="notes", where="") == text


def test_braces_are_a_placeholder_for_every_provider():
    assert (
        refusal("https://{host}/v1", provider_id="notes").hint == "put your own host in its place, as in https://api.example.com"
    )


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("example.com", False),
    ],
)
def test_loopback_is_this_machine_only(host, expected):
    assert is_loopback(host) is expected
