"""Every text of the page against everything it can stand on, by the formula of WCAG 2.2 (1.4.3 and 1.4.11)."""

import re

import pytest

from httptask.web.pages import assets

CSS = assets()["page.css"].content.decode()
TEXTS = ("text", "muted", "accent", "good", "warn", "bad")
GROUNDS = ("back", "card", "sunk")
AA, EDGE = 4.5, 3.0


def schemes():
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks)
    return {"light": light, "dark": {**light, **dark}}


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_formula_is_the_one_of_the_recommendation():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_text_can_be_read_on_every_ground(name):
    colours = schemes()[name]
    pairs = [(text, ground) for text in TEXTS for ground in GROUNDS]
    pairs += [("text", "bad-back"), ("muted", "bad-back"), ("bad", "bad-back"), ("accent", "bad-back")]
    pairs += [("text", "warn-back"), ("muted", "warn-back"), ("accent", "warn-back"), ("on-accent", "accent")]
    faint = {pair: round(found, 2) for pair in pairs if (found := contrast(colours[pair[0]], colours[pair[1]])) < AA}
    assert faint == {}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_edges_of_controls_and_the_ring_of_the_focus_can_be_seen(name):
    colours = schemes()[name]
    faint = [
        (line, ground) for line in ("edge", "focus") for ground in GROUNDS if contrast(colours[line], colours[ground]) < EDGE
    ]
    assert faint == []


def test_no_colour_stands_outside_the_properties():
    without = re.sub(r":root \{.*?\}", "", CSS, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", without) == []


def test_no_text_is_made_fainter_and_no_file_is_fetched_from_elsewhere():
    assert "opacity" not in CSS
    assert "url(" not in CSS
    assert "@import" not in CSS
