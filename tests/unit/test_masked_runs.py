"""A run fit to be shown: wherever in it an answer stands, what the answer calls secret is masked in all of it."""

from httptask.masked_runs import masked_run
from httptask.outcome import Answer, Outcome
from httptask.runs import Item, RunResult, StepResult
from httptask.secrets import Redactor, Secret
from model_server import TASKS

TOKEN = "s3cr3t-t0k3n-of-a-user"
OUTCOME = Outcome("acme.get", "succeeded", Answer(200, (), {"token": TOKEN, "copy": f"is {TOKEN}"}, "json"), {"copy": TOKEN})
STEP = StepResult("a", "succeeded", OUTCOME, outputs={"copy": TOKEN})


def test_answers_below_sub_workflows_items_and_onfailure_are_masked():
    below = StepResult("w", "succeeded", steps=(STEP,), outputs={"copy": TOKEN})
    items = StepResult(
        "i", "succeeded", items=(Item(0, "succeeded", outputs={"copy": TOKEN}, steps=(STEP,)),), outputs=[{"copy": TOKEN}]
    )
    result = RunResult("r", "w", "failed", {"copy": TOKEN}, (STEP, below, items), None, (STEP,))
    assert TOKEN not in str(masked_run(result, TASKS, Redactor()).to_json())


def test_what_a_run_learned_on_its_way_is_masked_too():
    result = RunResult("r", "w", "succeeded", {"said": f"it is {TOKEN}"})
    assert masked_run(result, TASKS, Redactor(), [Secret(TOKEN)]).outputs == {"said": "it is ***"}
