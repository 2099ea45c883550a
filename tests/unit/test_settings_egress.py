"""What a profile says about addresses, further hosts and plain http."""

import pytest

from builders import provider
from httptask.egress_policy import EgressPolicy
from httptask.errors import ConfigurationError
from httptask.settings import ConnectionRequest, resolve
from httptask.surroundings import Surroundings

PROVIDER = provider(id="acme")


@pytest.fixture
def around(tmp_path):
    def build(profile=""):
        (tmp_path / "httptask").mkdir()
        (tmp_path / "httptask" / "connections.toml").write_text(profile, encoding="utf-8")
        return Surroundings({}, tmp_path, tmp_path, tmp_path)

    return build


def profile(words, scheme="https"):
    return f'[connections.default]\nprovider = "acme"\nbaseUrl = "{scheme}://api.example.com"\n{words}\n'


def refusals(request, around):
    with pytest.raises(ConfigurationError) as caught:
        resolve(PROVIDER, request, around)
    return caught.value.problems


def test_a_profile_without_a_word_about_egress_allows_nothing_more(around):
    assert resolve(PROVIDER, ConnectionRequest(), around(profile(""))).egress == EgressPolicy()


def test_a_profile_may_allow_addresses_and_further_hosts(around):
    words = 'allowedHosts = ["files.example.com"]\nallowLoopback = true\nallowPrivate = true\nallowLinkLocal = true\n'
    egress = resolve(PROVIDER, ConnectionRequest(), around(profile(words))).egress
    assert egress == EgressPolicy(None, ("files.example.com",), allow_loopback=True, allow_private=True, allow_link_local=True)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("allowLinkLocal = 1", ".allowLinkLocal"),
        ('allowPrivate = "true"', ".allowPrivate"),
        ('allowedHosts = "files.example.com"', ".allowedHosts"),
        ('allowedHosts = ["https://files.example.com"]', ".allowedHosts[0]"),
        ('allowHttp = "yes"', ".allowHttp"),
    ],
)
def test_a_word_about_egress_that_cannot_be_read_is_refused_at_its_place(around, line, place):
    (problem,) = refusals(ConnectionRequest(), around(profile(line)))
    assert problem.where.endswith(place)


def test_http_off_loopback_needs_the_profiles_word(around):
    (problem,) = refusals(ConnectionRequest(), around(profile("", "http")))
    assert "allowHttp = true" in problem.hint


def test_a_profile_may_accept_http(around):
    text = profile("allowHttp = true", "http")
    assert resolve(PROVIDER, ConnectionRequest(), around(text)).base_url == "http://api.example.com"


def test_http_from_the_command_line_is_refused_with_the_way_to_allow_it(around):
    (problem,) = refusals(ConnectionRequest(base_url="http://api.example.com"), around())
    assert (problem.where, "allowHttp = true" in problem.hint) == ("--base-url", True)
