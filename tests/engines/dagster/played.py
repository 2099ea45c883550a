"""The jobs that the tests run; children and servers import them from here, so that they are made from the environment alone."""

import json
import os
from pathlib import Path

from dagster import Definitions, EnvVar, in_process_executor, job, multiprocess_executor

from engines.contract import READ_TIMEOUT
from httptask.engines.dagster import HttpTaskResource, job_from_workflow, op_from_template

#: Forked from a process that has imported what each child does: a step begins in a tenth of the time.
QUICK = {
    "max_concurrent": 2,
    "start_method": {"forkserver": {"preload_modules": ["httptask.engines.dagster", "engines.dagster.played", "pytest"]}},
}


def resource():
    return HttpTaskResource(
        base_url=EnvVar("HTTPTASK_TEST_URL"), token=EnvVar("HTTPTASK_TEST_TOKEN"), retry={"readTimeout": READ_TIMEOUT}
    )


def one_task():
    """The job of one task that the file HTTPTASK_TEST_TASK names."""
    said = json.loads(Path(os.environ["HTTPTASK_TEST_TASK"]).read_text())
    made = op_from_template(said["task"], name="played", inputs=said["inputs"], retry=said["retry"])

    executor = multiprocess_executor.configured(QUICK)
    if "in process" in said:
        executor = in_process_executor.configured(said["in process"])

    @job(name="one_task", executor_def=executor, resource_defs={"httptask": resource()})
    def played():
        made()

    return played


def whole():
    """The job of the workflow file HTTPTASK_TEST_WORKFLOW, whose steps are not to be killed: they are one process."""
    job = job_from_workflow(os.environ["HTTPTASK_TEST_WORKFLOW"], name="whole", executor=in_process_executor)
    return Definitions(jobs=[job], resources={"httptask": resource()}).get_job_def("whole")


def definitions():
    """What a code location of the workflow file holds."""
    pause = Path(os.environ["HTTPTASK_TEST_WORKFLOW"]).with_name("pause.yaml")
    jobs = [job_from_workflow(file, executor=QUICK) for file in (os.environ["HTTPTASK_TEST_WORKFLOW"], pause)]
    return Definitions(jobs=jobs, resources={"httptask": resource()})
