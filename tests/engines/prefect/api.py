"""What Prefect's server shows of a run, asked over its REST API as its page does: no Prefect is imported for that."""

import json
import re
import time
import urllib.error
import urllib.request

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
_ENDED = re.compile(r"(HttpTaskFailed|OutcomeUnknown): (\w+): ")


class Api:
    def __init__(self, url):
        self.url = url

    def ask(self, method, path, data=None):
        body = None if data is None else json.dumps(data).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", body, headers, method=method)  # noqa: S310 - loopback
        for more in range(20, -1, -1):
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code != 503 or not more:  # SQLite is busy
                    raise
                time.sleep(0.2)
        raise AssertionError

    def is_up(self):
        try:
            return self.ask("GET", "/health")
        except (urllib.error.URLError, ConnectionError):
            return False

    def deployments(self):
        return {each["name"]: each["id"] for each in self.ask("POST", "/deployments/filter", {})}

    def start(self, deployment, parameters, name=None):
        named = {} if name is None else {"name": name}
        return self.ask("POST", f"/deployments/{deployment}/create_flow_run", {"parameters": parameters, **named})["id"]

    def flow_run(self, run):
        return self.ask("GET", f"/flow_runs/{run}")

    def named(self, name):
        [found] = self.ask("POST", "/flow_runs/filter", {"flow_runs": {"name": {"any_": [name]}}})
        return found["id"]

    def resume(self, run, said):
        return self.ask("POST", f"/flow_runs/{run}/resume", {"run_input": said})

    def retry(self, run):
        """Press the button Retry of Prefect's page."""
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the page"}
        return self.ask("POST", f"/flow_runs/{run}/set_state", {"state": state})

    def ended(self, run, seconds=60, than=1):
        """Wait for the end of a flow run's execution of this number."""
        ends = time.monotonic() + seconds
        while True:
            found = self.flow_run(run)
            if found["state"]["type"] in FINAL and found["run_count"] >= than:
                return found
            assert time.monotonic() < ends, f"still {found['state']}"
            time.sleep(0.2)

    def task_runs(self, run):
        """Wait until the ends of the last execution's are known, since they are told in the background."""
        for _ in range(50):
            found = self.ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
            last = max((each["flow_run_run_count"] for each in found), default=0)
            if all(each["state"]["type"] in FINAL for each in found if each["flow_run_run_count"] == last):
                break
            time.sleep(0.1)
        return found

    def artifacts(self, run):
        return self.ask("POST", "/artifacts/filter", {"flow_runs": {"id": {"any_": [run]}}})

    def logs(self, run):
        return self.ask("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200})

    def visible(self, run):
        """Everything that a person can see of a run, as one text."""
        whole = [self.flow_run(run), self.task_runs(run), self.artifacts(run), self.logs(run)]
        states = [self.ask("GET", f"/flow_run_states/?flow_run_id={run}")]
        states += [self.ask("GET", f"/task_run_states/?task_run_id={each['id']}") for each in whole[1]]
        return json.dumps([whole, states], ensure_ascii=False)


def how(found):
    """Return `succeeded`, `failed` or `unknown`, and the kind of failure, from the words of a run's state."""
    if found["state"]["type"] == "COMPLETED":
        return "succeeded", None
    told = _ENDED.search(found["state"]["message"])
    assert told is not None, found["state"]
    return ("unknown" if told[1] == "OutcomeUnknown" else "failed"), told[2]
