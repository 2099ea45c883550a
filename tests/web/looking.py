"""Looks at a state of a page as people with different screens and needs do: accessible, nothing out of reach, photographed."""

import os
from dataclasses import dataclass

from web.chromium import axe_api

DESKTOP, PHONE = (1280, 800), (390, 844)
#: Widths at which nothing may be wider than the page: the phone, a small one (also 1280 at 400 %), and 1280 at 200 %.
NARROW = (390, 320, 640)
_RULES = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
_TOO_WIDE = """() => {
  const page = document.documentElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const out = (element) => element.getBoundingClientRect().right > page.clientWidth + 0.5;
  const found = [...document.querySelectorAll("body *")].filter((element) => out(element) && !element.closest(".scroll"));
  return [`${page.scrollWidth} > ${page.clientWidth}`, ...found.slice(-5).map((element) => element.outerHTML.slice(0, 200))];
}"""


@dataclass(frozen=True)
class Mode:
    size: tuple[int, int]
    colours: str

    @property
    def name(self):
        return f"{'desktop' if self.size == DESKTOP else 'phone'}-{self.colours}"


_EVERY_MODE = [Mode(size, colours) for size in (DESKTOP, PHONE) for colours in ("light", "dark")]
#: All of them where there is time, else two that differ in both.
MODES = _EVERY_MODE if os.environ.get("HTTPTASK_SLOW") == "1" else [_EVERY_MODE[0], _EVERY_MODE[-1]]


class Eyes:
    """`eyes(page, name)` holds a state of a page to what people need of it, and keeps a picture of each mode.

    `part` is what differs from a state that was looked at as a whole.
    """

    def __init__(self, folder):
        self.folder = folder
        self._axe = axe_api.Axe()

    def __call__(self, page, name, part=None):
        before = page.viewport_size
        faults = []
        for mode in MODES:
            page.set_viewport_size({"width": mode.size[0], "height": mode.size[1]})
            page.emulate_media(color_scheme=mode.colours)
            page.evaluate("scrollTo(0, 0)")  # what a sticky bar covers is not covered for good
            faults += [f"{mode.name}: {fault}" for fault in self._barriers(page, part)]
            self.picture(page, f"{name}-{mode.name}", full_page=True)
        faults += too_wide(page)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(before)
        assert not faults, "\n".join(faults)

    def picture(self, page, name, **options):
        page.screenshot(path=self.folder / f"{name}.png", animations="disabled", **options)

    def _barriers(self, page, part):
        found = self._axe.run(page, part, options=_RULES).response["violations"]
        return [
            f"{one['id']}: {one['help']}: {node['html'][:200]} {node['failureSummary']}" for one in found for node in one["nodes"]
        ]


def too_wide(page):
    faults = []
    for width in NARROW:
        page.set_viewport_size({"width": width, "height": 800})
        faults += [f"{width} px: {fault}" for fault in page.evaluate(_TOO_WIDE)]
    return faults
