# The golden files hold the structure of one workflow with everything in it. After a change that is meant:
#
#     HTTPTASK_UPDATE_GOLDEN=1 pytest tests/unit/test_graph.py
#
# writes them anew; look at the difference before it is kept.
import os
import re
from pathlib import Path

import pytest

from httptask.graph import graph_of, json_of, text_of
from httptask.mermaid import escaped, mermaid_of
from httptask.model import ForEach, Paginate, Place, Step, Until, Workflow

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "graphs"
HERE = Place("flow.yaml")
HOSTILE = (
    '"] --> n1\nclick n1 "javascript:alert(1)"\n%%{init: {}}%% <script>alert(1)</script> ```\n`*x*` end #quot; \u202e \x1b[2J'
)


def step(name, **fields):
    return Step(name, HERE, **fields)


def flow(name, *steps, on_failure=(), outputs=None):
    return Workflow(name, "", {}, None, steps, outputs or {}, HERE, on_failure=on_failure)


ROTATE = flow(
    "rotate",
    step("find", task="acme.list", paginate=Paginate(3)),
    step("turn", task="acme.put", for_each=ForEach("{{ steps.find.outputs.items }}", 8), continue_on_error=True),
    on_failure=(step("undo", task="acme.put", inputs={"x": "{{ steps.turn.status }}"}),),
    outputs={"all": "{{ steps.turn.outputs }}"},
)
EVERYTHING = flow(
    "everything\nat once",
    step("start", task="acme.list", timeout=30.0),
    step("both", parallel=(step("left", task="acme.get", inputs={"x": "{{ steps.start.outputs.x }}"}), step("right", wait=5))),
    step("ask", approve=f"Go on with {{{{ steps.left.outputs.n }}}}? {HOSTILE}"),
    step("pause", wait=0.25, condition="{{ steps.ask.status == 'succeeded' }}"),
    step("rotation", workflow=ROTATE, inputs={"all": "{{ steps }}"}),
    step("again", workflow=ROTATE, for_each=ForEach("{{ steps.rotation.outputs.all }}")),
    step("poll", task="acme.get", until=Until("{{ response.body.ok }}", None, 5, 600)),
    on_failure=(step("tell", task="acme.put", condition="{{ steps.both.status == 'failed' or steps.poll.status == 'notRun' }}"),),
    outputs={"all": ["{{ steps.again.outputs }}"]},
)


@pytest.mark.parametrize(
    ("name", "shown"), [("everything.txt", lambda graph: "\n".join(text_of(graph))), ("everything.mmd", mermaid_of)]
)
def test_a_workflow_with_everything_in_it_looks_as_its_golden_file(name, shown):
    content = shown(graph_of(EVERYTHING)) + "\n"
    if os.environ.get("HTTPTASK_UPDATE_GOLDEN") == "1":
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_text(content, encoding="utf-8")
    assert (GOLDEN / name).read_bytes().decode() == content


LINE = re.compile(
    r"\s*(flowchart TD|end|n\d+ (-->|-\.->) n\d+|(subgraph )?n\d+(\(\[|\{\{|\[)\"[^\"`<>{}%\[\]()\\]*\"(\]\)|\}\}|\])|)"
)


def test_no_text_breaks_out_of_its_label():
    hostile = flow(HOSTILE, step("a", approve=HOSTILE), step("b", workflow=flow(HOSTILE, step("c", approve=HOSTILE))))
    lines = mermaid_of(graph_of(hostile)).split("\n")
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert len(lines) == 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a "b"', "a #34;b#34;"),
        ("#quot;", "#35;quot#59;"),
        ("<b>", "#60;b#62;"),
        ("Größe", "Größe"),
        ("\u202e\x07", "#65533;#65533;"),
    ],
)
def test_what_mermaid_could_take_for_its_own_is_written_as_a_number(text, expected):
    assert escaped(text) == expected


def test_a_workflow_that_is_used_often_is_drawn_once():
    used = flow("deepest", step("a", wait=1))
    for level in range(15):
        used = flow(f"level {level}", *(step(f"s{index}", workflow=used) for index in range(10)))
    assert len(text_of(graph_of(used))) == 15 * 10 + 2


def test_json_holds_the_same():
    data = json_of(graph_of(EVERYTHING))
    both, rotation, again = (data["steps"][index] for index in (1, 4, 5))
    assert data["workflow"] == "everything at once"
    assert [one["id"] for one in both["parallel"]] == ["left", "right"]
    assert both["parallel"][0] == {"id": "left", "kind": "task", "uses": "acme.get", "marks": [], "reads": ["start"]}
    assert rotation["graph"]["onFailure"][0]["reads"] == ["turn"]
    assert (again["sameAs"], again["marks"], "graph" in again) == ("rotation", ["forEach"], False)
    assert (data["onFailure"][0]["reads"], data["outputs"]) == (["both", "poll"], {"reads": ["again"]})
