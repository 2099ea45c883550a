"""The workflow roll_out_agent_update.yaml as an Airflow DAG: a task for each step, a param for each input."""

from datetime import timedelta
from pathlib import Path

from httptask.engines.airflow import dag_from_workflow

dag = dag_from_workflow(
    Path(__file__).parents[2] / "roll_out_agent_update.yaml",
    conn_id="okta",
    default_args={"retry_delay": timedelta(seconds=10)},  # after a lost worker; other waits are the server's and the policy's
)
