"""Walks through a page with the Tab key, as somebody without a mouse does."""

from dataclasses import dataclass, field

#: What can have the focus and is shown: the order of the document is the order that is expected.
_REACHABLE = """() => {
  const found = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.type !== "hidden";
  return found.filter((element) => element.tabIndex >= 0 && !element.disabled && shown(element)).map((element, index) => {
    element.dataset.walked = index;
    return index;
  });
}"""
_HERE = """() => {
  const element = document.activeElement;
  if (!element || element === document.body || element.dataset.walked === undefined) return null;
  const points = [...element.getClientRects()].flatMap((box) => {
    const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    return [0.1, 0.5, 0.9].map((part) => document.elementFromPoint(box.left + box.width / 2, top + (bottom - top) * part));
  });
  const own = (at) => at && (element.contains(at) || (element.labels && [...element.labels].includes(at)));
  const style = getComputedStyle(element);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return {
    index: Number(element.dataset.walked),
    html: element.outerHTML.slice(0, 160),
    seen: points.some(own), // WCAG 2.2, 2.4.11: not entirely hidden
    marked: outlined,
  };
}"""


@dataclass
class Walked:
    reachable: list[int]
    reached: list[int] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    unmarked: list[str] = field(default_factory=list)


def walk(page):
    """Press Tab from the top of the page to its end."""
    page.evaluate("document.body.tabIndex = -1, document.body.focus(), document.body.removeAttribute('tabindex')")
    walked = Walked(page.evaluate(_REACHABLE))
    for _ in range(len(walked.reachable) + 2):
        page.keyboard.press("Tab")
        here = page.evaluate(_HERE)
        if here is None:
            break
        walked.reached.append(here["index"])
        walked.hidden += [here["html"]] * (not here["seen"])
        walked.unmarked += [here["html"]] * (not here["marked"])
    return walked
