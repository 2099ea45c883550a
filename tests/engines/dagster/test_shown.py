"""What pages show of values: it is made after the request was sent, so that nothing may make it fail."""

import math

import pytest

dagster = pytest.importorskip("dagster", reason='needs pip install "httptask[dagster]": tests/engines/run dagster')
from dagster import Output  # noqa: E402
from dagster._serdes import deserialize_value, serialize_value  # noqa: E402

from httptask.engines.dagster.shown import seen  # noqa: E402


@pytest.mark.parametrize(
    "value", [None, True, False, 0, -1, 10**400, 1.5, "", "text", "\ud800", [], [True, None], {"a": {"b": 1}}]
)
def test_a_value_is_shown_as_it_is(value):
    shown = seen(value)
    assert (type(shown.value), shown.value) == (type(value), value)
    assert deserialize_value(serialize_value(shown)) == shown
    assert Output(value, metadata={"name": shown}).metadata["name"] == shown


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("x" * 5000, "text, 5002 bytes: too much to be shown here"),
        (["x" * 100] * 50, "a list of 50, 5200 bytes: too much to be shown here"),
        ({"a": "\ud800" * 2000}, "an object, 6009 bytes: too much to be shown here"),
        (10**4200, "a number, 4201 bytes: too much to be shown here"),
        (10**5000, "a number that JSON has no form for: not shown here"),
        (math.nan, "a number that JSON has no form for: not shown here"),
        ([-math.inf], "a list of 1 that JSON has no form for: not shown here"),
        ({"a": object()}, "an object that JSON has no form for: not shown here"),
        (object(), "a value that JSON has no form for: not shown here"),
    ],
    ids=["text", "list", "surrogates", "digits", "more digits", "NaN", "infinity", "inner object", "object"],
)
def test_what_no_page_can_show_is_told_in_words(value, told):
    assert seen(value).value == told
