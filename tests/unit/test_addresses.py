"""Each address tried and every kind it has."""

import pytest

from httptask.addresses import kinds_of, literal

KINDS = [
    # address, kinds: of what is inside first, then its own
    ("8.8.8.8", "public"),
    ("100.63.255.255", "public"),
    ("100.64.0.0", "carrier-grade NAT"),
    ("100.127.255.255", "carrier-grade NAT"),
    ("100.128.0.0", "public"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("10.0.0.1", "private"),
    ("172.15.255.255", "public"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("172.32.0.0", "public"),
    ("192.168.255.255", "private"),
    ("169.254.1.1", "link-local"),
    ("169.254.169.254", "cloud metadata"),
    ("169.254.170.2", "cloud metadata"),
    ("168.63.129.16", "cloud metadata"),
    ("100.100.100.200", "cloud metadata"),
    ("192.0.0.192", "cloud metadata"),
    ("fd00:42::42", "cloud metadata"),
    ("fd00:c1::a9fe:a9fe", "cloud metadata"),
    ("fd00:c1::1", "private"),
    ("192.0.0.8", "reserved"),
    ("192.0.2.1", "documentation"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("192.88.99.1", "reserved"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("0.0.0.0", "unspecified"),  # noqa: S104  # judged, not bound
    ("0.1.2.3", "unspecified"),
    ("2606:4700::1111", "public"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("fc00::1", "private"),
    ("fdff::1", "private"),
    ("fec0::1", "private"),
    ("fd00:ec2::254", "cloud metadata"),
    ("fd00:ec2::23", "cloud metadata"),
    ("fd20:ce::254", "cloud metadata"),
    ("ff02::1", "multicast"),
    ("2001:db8::1", "documentation"),
    ("3fff::1", "documentation"),
    ("2001:2::1", "benchmarking"),
    ("100::1", "reserved"),
    ("5f00::1", "reserved"),
    ("4000::1", "reserved"),
    # IPv4 inside IPv6: mapped, compatible, translated
    ("::ffff:8.8.8.8", "public"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:a9fe:a9fe", "cloud metadata"),
    ("::127.0.0.1", "loopback + reserved"),
    ("::ffff:0:10.0.0.1", "private + reserved"),
    # NAT64, well known and local, the latter in all its layouts
    ("64:ff9b::8.8.8.8", "public"),
    ("64:ff9b::a9fe:a9fe", "cloud metadata"),
    ("64:ff9b::127.0.0.1", "loopback"),
    ("64:ff9b:1::8.8.8.8", "public + private"),
    ("64:ff9b:1::a9fe:a9fe", "cloud metadata + private"),
    ("64:ff9b:1:7f00:0:100::", "loopback + private"),
    # 6to4, Teredo (server, then client, whose bits are inverted), ISATAP
    ("2002:808:808::1", "public"),
    ("2002:a9fe:a9fe::1", "cloud metadata + public"),
    ("2002:7f00:1::", "loopback + public"),
    ("2001:0:808:808::f7f7:f7f7", "public + reserved"),
    ("2001:0:7f00:1::f7f7:f7f7", "loopback + public + reserved"),
    ("2001:0:808:808::5601:5601", "public + cloud metadata + reserved"),
    ("2606:4700::5efe:10.0.0.1", "private + public"),
    ("2606:4700::200:5efe:127.0.0.1", "loopback + public"),
    ("fe80::5efe:8.8.8.8", "public + link-local"),
]


@pytest.mark.parametrize(("address", "kinds"), KINDS, ids=[row[0] for row in KINDS])
def test_every_kind_of_an_address_is_found(address, kinds):
    assert " + ".join(kinds_of(address)) == kinds


@pytest.mark.parametrize("text", ["", "host", "127.1", "2130706433", "1.2.3", "::zz"])
def test_what_is_no_address_in_its_usual_spelling_is_an_error(text):
    with pytest.raises(ValueError, match="does not appear"):
        kinds_of(text)


LITERALS = [
    ("127.0.0.1", "127.0.0.1"),
    ("2130706433", "127.0.0.1"),
    ("0x7f.1", "127.0.0.1"),
    ("0X7F000001", "127.0.0.1"),
    ("127.1", "127.0.0.1"),
    ("017700000001", "127.0.0.1"),
    ("0", "0.0.0.0"),  # noqa: S104  # judged, not bound
    ("169.254.169.254.", "169.254.169.254"),
    ("0xa9.0xfe.0xa9.0xfe", "169.254.169.254"),
    ("2852039166", "169.254.169.254"),
    ("[::1]", "::1"),
    ("[fe80::1%25eth0]", "fe80::1"),
    ("localhost", "127.0.0.1"),
    ("LOCALHOST.", "127.0.0.1"),
    ("a.localhost", "127.0.0.1"),
    ("localhost.example", None),
    ("api.example.com", None),
    ("face", None),
    ("1.2.3.4.5", None),
    ("256.256.256.256", None),
    ("", None),
]


@pytest.mark.parametrize(("host", "address"), LITERALS)
def test_an_address_is_read_in_every_spelling_that_the_c_library_reads(host, address):
    assert literal(host) == address
