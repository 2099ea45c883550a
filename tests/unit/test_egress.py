"""Which addresses a policy lets through, and that a guard asks its resolver once and believes nothing else."""

import socket

import pytest

from builders import connection
from httptask.egress import Guard, check_address, policy_from_profile, policy_of
from httptask.egress_policy import OPERATORS, EgressPolicy
from httptask.errors import ConfigurationError, EgressRefused

PUBLIC = "93.184.216.34"
STRICT = EgressPolicy("https://api.example.com")

# address, the profile key that allows it (None: nothing does, "": none is needed)
KEYS = [
    (PUBLIC, ""),
    ("2606:4700::1111", ""),
    ("64:ff9b::5db8:d822", ""),
    ("127.0.0.1", "allowLoopback"),
    ("::1", "allowLoopback"),
    ("::ffff:127.0.0.1", "allowLoopback"),
    ("2002:7f00:1::", "allowLoopback"),
    ("10.1.2.3", "allowPrivate"),
    ("100.64.0.1", "allowPrivate"),
    ("198.18.0.1", "allowPrivate"),
    ("fd00::1", "allowPrivate"),
    ("64:ff9b::a00:1", "allowPrivate"),
    ("169.254.1.1", "allowLinkLocal"),
    ("169.254.169.254", "allowLinkLocal"),
    ("fd00:ec2::254", "allowLinkLocal"),
    ("168.63.129.16", "allowLinkLocal"),
    ("100.100.100.200", "allowLinkLocal"),
    ("192.0.0.192", "allowLinkLocal"),
    ("64:ff9b::a9fe:a9fe", "allowLinkLocal"),
    ("::ffff:169.254.169.254", "allowLinkLocal"),
    ("fe80::1%eth0", "allowLinkLocal"),
    ("0.0.0.0", None),  # noqa: S104  # judged, not bound
    ("::", None),
    ("255.255.255.255", None),
    ("224.0.0.1", None),
    ("ff02::1", None),
    ("240.0.0.1", None),
    ("192.0.2.1", None),
    ("2001:db8::1", None),
    ("::10.0.0.1", None),
    ("2001:0:808:808::f7f7:f7f7", None),
    ("not an address", None),
]
FIELDS = {"allowLoopback": "allow_loopback", "allowPrivate": "allow_private", "allowLinkLocal": "allow_link_local"}


@pytest.mark.parametrize(("address", "key"), KEYS, ids=[row[0] for row in KEYS])
def test_an_address_is_allowed_by_its_own_key_and_by_no_other(address, key):
    allowing = {name for name, field in FIELDS.items() if check_address(address, EgressPolicy(**{field: True})) is None}
    assert allowing == (set(FIELDS) if key == "" else {key} - {None})


@pytest.mark.parametrize(("address", "key"), [row for row in KEYS if row[1] != ""], ids=str)
def test_a_refusal_names_the_key_that_would_allow_it_and_not_the_address(address, key):
    text = str(check_address(address, STRICT))
    assert address not in text
    assert f"{key} = true" in text if key else "nothing allows" in text


@pytest.mark.parametrize(
    ("origin", "address", "reached"),
    [
        ("https://api.example.com", PUBLIC, True),
        ("https://api.example.com", "127.0.0.1", True),
        ("https://api.example.com", "10.0.0.1", True),
        ("https://api.example.com", "169.254.169.254", False),
        ("https://api.example.com", "0.0.0.0", False),  # noqa: S104  # judged, not bound
        ("https://API.example.com:443", "10.0.0.1", True),
        ("https://files.example.com", PUBLIC, True),
        ("https://files.example.com", "127.0.0.1", False),
        ("https://files.example.com", "10.0.0.1", False),
        ("http://files.example.com", PUBLIC, False),
        ("https://files.example.com:8443", PUBLIC, False),
        ("https://other.example.com", PUBLIC, False),
        ("https://api.example.com:8443", PUBLIC, False),
        ("http://api.example.com", PUBLIC, False),
    ],
)
def test_only_the_own_host_may_be_private_and_only_listed_hosts_are_reached_beside_it(origin, address, reached):
    policy = policy_of(connection(egress=EgressPolicy(allowed_hosts=("files.example.com",))))
    guard = Guard(policy, lambda *_: [address])
    if reached:
        assert guard.addresses(f"{origin}/x", "h", 443) == (address,)
    else:
        with pytest.raises(EgressRefused) as caught:
            guard.addresses(f"{origin}/x", "h", 443)
        assert (caught.value.code, caught.value.phase) == ("egressRefused", "notSent")


@pytest.mark.parametrize("bad", ["169.254.169.254", "::", "64:ff9b::a9fe:a9fe"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_address_among_good_ones_refuses_all(bad, place):
    found = [PUBLIC, "2606:4700::1111"]
    found.insert(place, bad)
    with pytest.raises(EgressRefused):
        Guard(STRICT, lambda *_: found).addresses("https://api.example.com/", "api.example.com", 443)


def test_a_name_is_looked_up_once_however_many_addresses_it_has():
    asked = []

    def resolve(host, port):
        asked.append((host, port))
        return [PUBLIC, "2606:4700::1111"]

    guard = Guard(STRICT, resolve)
    assert guard.addresses("https://api.example.com/", "api.example.com", 443) == (PUBLIC, "2606:4700::1111")
    assert asked == [("api.example.com", 443)]


@pytest.mark.parametrize("spelling", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"])
def test_an_odd_spelling_is_judged_by_what_the_system_makes_of_it(spelling):
    def resolve(host, port):
        return [str(found[4][0]) for found in socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)]

    with pytest.raises(EgressRefused, match="cloud metadata"):
        Guard(OPERATORS, resolve).addresses(f"https://{spelling}/", spelling, 443)


def test_localhost_without_https_must_be_this_machine():
    guard = Guard(OPERATORS, lambda *_: ["10.0.0.1"])
    with pytest.raises(EgressRefused, match="called localhost"):
        guard.addresses("http://localhost:8000/", "localhost", 8000)
    assert guard.addresses("https://localhost:8000/", "localhost", 8000) == ("10.0.0.1",)


# host as written, what the check of a request through a proxy says
UNRESOLVED = [
    ("api.example.com", None),
    ("10.0.0.1", None),
    ("127.1", None),
    ("169.254.169.254", "cloud metadata"),
    ("2852039166", "cloud metadata"),
    ("0xa9.254.0251.254", "cloud metadata"),
    ("[fd00:ec2::254]", "cloud metadata"),
    ("[::ffff:169.254.169.254]", "cloud metadata"),
    ("[64:ff9b::a9fe:a9fe]", "cloud metadata"),
    ("0", "unspecified"),
    ("224.0.0.1", "multicast"),
]


@pytest.mark.parametrize(("host", "kind"), UNRESOLVED)
def test_behind_a_proxy_only_an_address_written_out_is_judged(host, kind):
    guard = Guard(OPERATORS, lambda *_: pytest.fail("a proxy looks names up"))
    if kind is None:
        guard.check_unresolved(f"https://{host}/")
    else:
        with pytest.raises(EgressRefused, match=kind):
            guard.check_unresolved(f"https://{host}/")


def test_the_policy_of_a_connection_is_bound_to_its_origin():
    policy = policy_of(connection(base_url="https://GW.example.com:443/okta", egress=EgressPolicy(allow_link_local=True)))
    assert policy == EgressPolicy("https://gw.example.com", allow_link_local=True)


def test_a_profile_says_what_is_allowed():
    profile = {"allowedHosts": ["files.example.com", "[2606::1]:8443"], "allowPrivate": True}
    policy = policy_from_profile(profile, "p")
    assert policy == EgressPolicy(allowed_hosts=("files.example.com", "[2606::1]:8443"), allow_private=True)
    assert policy.further_origins == ("https://files.example.com", "https://[2606::1]:8443")


WRONG_HOSTS = ["https://a.example", "a.example/x", "A.example", "u@a.example", "*.example.com", "a.example:443", "", 7, "a b"]


def test_every_entry_that_is_no_plain_host_is_named_at_once():
    with pytest.raises(ConfigurationError) as caught:
        policy_from_profile({"allowedHosts": ["ok.example", *WRONG_HOSTS]}, "f: connections.x")
    places = [problem.where for problem in caught.value.problems]
    assert places == [f"f: connections.x.allowedHosts[{number}]" for number in range(1, len(WRONG_HOSTS) + 1)]
