"""The structure of a workflow as a Mermaid flowchart: solid arrows are the order, dotted ones say what reads from where.

Names of nodes are ours. Texts of the file go into quoted labels in which every character that Mermaid, HTML or Markdown could
take for its own is a character reference, so that no text can end its label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from httptask.graph import Graph, Node, label

_PLAIN = frozenset(" _-.,:/?!·")
_SHAPES: Mapping[str, tuple[str, str]] = {"wait": ("([", "])"), "approve": ("{{", "}}")}


def mermaid_of(graph: Graph) -> str:
    """Return a flowchart, as a fenced `mermaid` block of Markdown holds it."""
    chart = _Chart()
    lines = ["flowchart TD", *_indented(chart.graph(graph)), *_indented(chart.edges)]
    return "\n".join(lines)


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def escaped(text: str) -> str:
    """Return a text for a quoted label."""
    shown = (char if char.isprintable() else "\ufffd" for char in text)
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in shown)


@dataclass(slots=True)
class _Chart:
    edges: list[str] = field(default_factory=list)
    count: int = 0

    def graph(self, graph: Graph) -> list[str]:
        """Return the nodes of a workflow and keep its edges: those of `onFailure` stand apart."""
        names = {node.id: self._name() for node in _every(graph)}
        lines = self._row(graph.steps, names, follows=True)
        if graph.on_failure:
            lines += self._box(self._name(), "onFailure", self._row(graph.on_failure, names, follows=True))
        return lines

    def _name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def _row(self, nodes: tuple[Node, ...], names: Mapping[str, str], *, follows: bool) -> list[str]:
        lines: list[str] = []
        for index, node in enumerate(nodes):
            if follows and index:
                self.edges.append(f"{names[nodes[index - 1].id]} --> {names[node.id]}")
            self.edges += [f"{names[read]} -.-> {names[node.id]}" for read in node.reads]
            lines += self._node(node, names)
        return lines

    def _node(self, node: Node, names: Mapping[str, str]) -> list[str]:
        name = names[node.id]
        title = " · ".join(filter(None, (f"{node.id}: {label(node)}", node.above and f"as above at {node.above}", *node.marks)))
        if node.graph is not None:
            return self._box(name, title, self.graph(node.graph))
        if node.inner:
            return self._box(name, title, self._row(node.inner, names, follows=False))
        begin, end = _SHAPES.get(node.kind, ("[", "]"))
        return [f'{name}{begin}"{escaped(title)}"{end}']

    def _box(self, name: str, title: str, lines: list[str]) -> list[str]:
        return [f'subgraph {name}["{escaped(title)}"]', *_indented(lines), "end"]


def _every(graph: Graph) -> Iterator[Node]:
    for node in (*graph.steps, *graph.on_failure):
        yield node
        yield from node.inner
