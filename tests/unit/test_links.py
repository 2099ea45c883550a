"""The Link header: the examples of RFC 8288 section 3.5, its appendix B rules, and what real servers send."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from httptask.links import Link, links, next_target

TARGET = "http://example.com/TheBook/chapter2"


def parsed(*values):
    return list(links(values))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            f'<{TARGET}>; rel="previous"; title="previous chapter"',
            [Link(TARGET, ("previous",))],
        ),
        ('</>; rel="http://example.net/foo"', [Link("/", ("http://example.net/foo",))]),
        ('</terms>; rel="copyright"; anchor="#foo"', [Link("/terms", ("copyright",), "#foo")]),
        (
            """</TheBook/chapter2>; rel="previous"; title*=UTF-8'de'letztes%20Kapitel,
            </TheBook/chapter4>; rel="next"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel""",
            [Link("/TheBook/chapter2", ("previous",)), Link("/TheBook/chapter4", ("next",))],
        ),
        (
            '<http://example.org/>; rel="start http://example.net/relation/other"',
            [Link("http://example.org/", ("start", "http://example.net/relation/other"))],
        ),
        ('<https://example.org/>; rel="start", <https://example.org/index>; rel="index"', [
            Link("https://example.org/", ("start",)),
            Link("https://example.org/index", ("index",)),
        ]),
    ],
)  # fmt: skip
def test_the_examples_of_rfc_8288_are_read(value, expected):
    assert parsed(value) == expected


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ('<b>; rel="next"', "b"),
        ("<b>; rel=next", "b"),
        ("<b>;rel=next;title=x", "b"),
        ("<b> ; rel = next ", "b"),
        ("<b>; REL=Next", "b"),
        ('<b>; rel="NEXT"', "b"),
        ('<b>; rel="prev\tnext"', "b"),
        ('<b>; title="a, <c>; rel=prev"; rel="next"', "b"),
        (r'<b>; title="a \" ; rel=prev"; rel=next', "b"),
        (r'<b>; rel="ne\xt"', "b"),
        ('<a>; rel="self", <b>; rel="next"', "b"),
        (',, <a>; rel=self,,\t<b>; rel="next" ,', "b"),
        ("<b>; crossorigin; rel=next", "b"),
        ("<b>; rel=next; rel=prev", "b"),
        ("<b>; rel=next, <c>; rel=next", "b"),
        ('<https://a/b?x=1,2;3&y="q">; rel=next', 'https://a/b?x=1,2;3&y="q"'),
        ('<b>; rel="next"; anchor=""', "b"),
        ('<b>; rel="next', "b"),
        ("<>; rel=next", ""),
        ('<b>; rel="self"', None),
        ('<b>; rel="nextish"', None),
        ("<b>; rel=prev; rel=next", None),
        ('<b?rel=next>; rel="self"', None),
        ('<b>; title="rel=next"', None),
        ('<b>; title="; rel=next"', None),
        ('<b>; rev="next"', None),
        ("<b>; rel*=UTF-8''next", None),
        ('<b>; rel="next"; anchor="#part"', None),
        ('<b>; rel="next"; anchor="/other"', None),
        ("<b>", None),
        ("<b>; rel", None),
        ("b; rel=next", None),
        ("<b; rel=next", None),
        ("", None),
        ("<a> x, <b>; rel=next", None),
    ],
)
def test_the_next_page_is_the_first_link_with_that_relation(value, target):
    assert next_target([value]) == target


def test_several_header_fields_are_one_list():
    assert next_target(['<a>; rel="self"', '<b>; rel="next"', '<c>; rel="next"']) == "b"
    assert next_target(["<<<;;;", '<b>; rel="next"']) == "b"
    assert next_target([]) is None


def test_an_anchor_that_is_the_answer_itself_is_no_other_resource():
    values = ['<b>; rel="next"; anchor="/things?x=1"']
    assert next_target(values, "https://a.example/things?x=1") == "b"
    assert next_target(values, "https://a.example/things?x=2") is None
    assert next_target(['<b>; rel="next"; anchor="http://[x"'], "https://a.example/") is None


@settings(deadline=None)
@given(st.lists(st.text(alphabet='<>;,="\\ \treltnx*/', max_size=40), max_size=4))
def test_no_header_can_raise(values):
    assert all(isinstance(link.target, str) for link in links(values))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=30))
def test_whatever_a_quoted_parameter_holds_the_relation_behind_it_is_found(text):
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert next_target([f'<b>; title="{quoted}"; rel="next", <c>; rel=last']) == "b"


def test_a_long_header_takes_no_time():
    assert next_target(["<a>; rel=self, " * 20_000 + '<b>; rel="next"']) == "b"
    assert next_target(['<a>; title="' + "\\" * 100_001]) is None
