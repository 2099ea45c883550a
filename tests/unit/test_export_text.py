# The texts of curl and Python as people read them; tests/loopback/test_copied_requests.py runs them.
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from builders import body, connection, parameter, template
from golden.examples import REGISTRY, TASKS, example_inputs
from httptask.auth import Basic, Bearer, QueryKey
from httptask.export import EXPORTERS
from httptask.export.gathering import DRY_RUN, SANDBOX, Call, subject_of
from httptask.export.shell import comment, word
from httptask.export.subject import Reference, Text, Variable
from httptask.model import Paginate
from httptask.render import USER_AGENT
from httptask.runner import Options
from httptask.secrets import Secret
from httptask.settings import dry_connection

RUFF = shutil.which("ruff") or shutil.which("ruff", path=sysconfig.get_path("scripts"))
SECRET = {"type": "string", "format": "password"}


def exported(form, task, inputs=None, to=None, **options):
    return EXPORTERS[form].export(subject_of(Call(task, inputs or {}, to or connection(), Options(**options))))


def test_every_exporter_says_what_it_is():
    assert list(EXPORTERS) == ["curl", "python", "har", "step", "airflow", "prefect", "dagster", "temporal", "conductor"]
    for name, exporter in EXPORTERS.items():
        assert exporter.name == name
        assert exporter.suffix.startswith(".")
        assert "/" in exporter.media_type
        assert exporter.title
        assert exporter.purpose


def test_exporting_is_a_function_of_the_call_alone():
    call = Call(REGISTRY[TASKS[0]], example_inputs(REGISTRY[TASKS[0]]), connection())
    for exporter in EXPORTERS.values():
        assert exporter.export(subject_of(call)) == exporter.export(subject_of(call))


def test_a_curl_command_reads_well():
    task = template(method="POST", path="/a/{{ id }}", parameters=(parameter("id", "path"), parameter("q")), body=body())
    auth = Bearer("b", Secret("token", reference="env:ACME_TOKEN"))
    to = connection(name="prod", auth=auth, retry={"connectTimeout": 2, "readTimeout": 7.5})
    assert exported("curl", task, {"id": "x", "q": "a b", "body": {"name": "it's"}}, to).text == (
        "# ACME_TOKEN: the token of the connection prod\n"
        ': "${ACME_TOKEN:?}" &&\n'
        "curl -q --silent --show-error --globoff --path-as-is --http1.1 \\\n"
        "  --request POST \\\n"
        "  --url 'https://api.example.com/a/x?q=a%20b' \\\n"
        "  --connect-timeout 2 --max-time 9.5 \\\n"
        "  --header 'Accept: application/json' \\\n"
        "  --header 'Accept-Encoding: gzip' \\\n"
        f"  --header 'User-Agent: {USER_AGENT}' \\\n"
        "  --header 'Content-Type: application/json' \\\n"
        '  --header "Authorization: Bearer $ACME_TOKEN" \\\n'
        "  --compressed \\\n"
        '  --data-raw \'{"name":"it\'"\'"\'s"}\'\n'
    )


def test_trust_of_the_connection_is_in_the_command(tmp_path):
    to = connection(verify=str(tmp_path), client_certificate=("/a: b\\c.pem", None))
    text = exported("curl", template(), to=to).text
    assert f"--capath {tmp_path}" in text
    assert "--cert '/a\\: b\\\\c.pem'" in text
    assert "--key" not in text
    assert "--insecure" in exported("curl", template(), to=connection(verify=False)).text
    assert "verify = False" in exported("python", template(), to=connection(verify=False)).text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (Text.of("plain-word"), "plain-word"),
        (Text.of("it's"), "'it'\"'\"'s'"),
        (Text.of("a ", Reference(Variable("X", ""))), '"a $X"'),
        (Text.of(Reference(Variable("X", "")), "_b"), '"${X}_b"'),
        (Text.of(Reference(Variable("X", "")), Reference(Variable("Y", ""))), '"$X$Y"'),
        (Text.of("$", Reference(Variable("X", ""))), "'$'\"$X\""),
        (Text.of("!", Reference(Variable("X", "")), "`"), "'!'\"$X\"'`'"),
        (Text.of("/", Reference(Variable("X", ""), "percent")), '"/$(percent "$X")"'),
    ],
)
def test_a_text_is_one_word_of_the_shell(text, written):
    assert word(text) == written


def test_nothing_that_is_told_of_a_variable_can_end_its_comment():
    evil = "x\nrm -rf ~ $(id) `id` 'a \"b !! \x1b[2J\u2028é"
    assert comment(evil) == "# x rm -rf ~ (id) id a b [2J"
    auth = Bearer("b", Secret("token", reference=f"vault:{evil}"))
    for form in ("curl", "python", "step"):
        lines = exported(form, template(), to=connection(name=evil, auth=auth, source=evil)).text.splitlines()
        assert not any(line.lstrip().startswith("rm") for line in lines)
    path = Bearer("b", Secret("token", reference="file:/a\nrm -rf ~"))
    text = exported("curl", template(), to=connection(auth=path)).text
    assert "\nrm" not in text
    compile(exported("python", template(), to=connection(auth=path)).text, "x", "exec")


def test_names_of_variables_are_no_names_of_the_script():
    auth = Bearer("b", Secret("token", reference="env:url"))
    text = exported("python", template(), to=connection(auth=auth)).text
    assert 'URL = os.environ["url"]' in text
    assert 'f"Bearer {URL}"' in text


def test_what_a_copy_cannot_do_is_a_loss():
    def losses(form, task, **more):
        return [note.message for note in exported(form, task, **more).notes if note.kind == "loss"]

    following = template(follow_redirects=True)
    assert "follows redirects" in losses("curl", following)[0]
    assert "follows redirects" in losses("python", following)[0]
    assert "follows redirects" in losses("har", following)[0]
    call = Call(template(), {}, connection())
    for form in ("curl", "python", "har"):
        notes = EXPORTERS[form].export(subject_of(call, paginate=Paginate())).notes
        assert [note.message for note in notes if note.kind == "loss"] == ["this is the request of the first page"]
    assert "another spelling" in losses("python", template(path="/a%2fb"))[0]
    assert losses("curl", template(path="/a%2fb")) == []
    assert "httptask sandbox" in losses("curl", template(), to=connection(name=SANDBOX))[0]
    assert dry_connection(template().provider).name == DRY_RUN
    assert "no connection is configured" in exported("curl", template(), to=connection(name=DRY_RUN)).notes[0].message


def scripts():
    """Yield scripts with every construct, and texts on both sides of where a line is too long."""
    for task in TASKS:
        yield exported("python", REGISTRY[task], example_inputs(REGISTRY[task])).text
    odd = {
        "a": "it's",
        "b": 'say "x"',
        "c": "both ' and \"",
        "d": "\\n \x00 \x7f é \u2028 😀",
        "e": [],
        "f": {},
        "g": [1, [2.5], {"h": None}],
    }
    odd |= {"password": "p", "l": "x" * 200, "n": -1, "big": 10**30, "float": 1e-7, "exp": 1e22}
    yield exported("python", template(method="POST", body=body()), {"body": odd}).text
    for data in ("text", [], {}, None, 5, "y" * 79, "y" * 80, "y" * 81):
        yield exported("python", template(method="POST", body=body()), {"body": data}).text
    for length in range(40, 90):
        task = template(parameters=(parameter("q"), parameter("s", schema=SECRET)))
        yield exported("python", task, {"q": "q" * length}).text
        yield exported("python", task, {"q": "q" * length, "s": "x"}).text
        yield exported(
            "python", template(parameters=(parameter("n" * (length - 35), schema=SECRET),)), {"n" * (length - 35): "x"}
        ).text
    to = connection(verify="/ca.pem", client_certificate=("/a", "/b"), auth=Basic("b", "u" * 70, Secret("p", reference="env:P")))
    yield exported("python", template(method="POST", body=body(content_type="text/plain")), {"body": "t\n{x}"}, to).text
    yield exported("python", template(), to=connection(auth=QueryKey("q", Secret("k", reference="env:K"), "key"))).text


@pytest.mark.skipif(RUFF is None, reason="there is no ruff here")
def test_scripts_are_formatted_and_without_fault(tmp_path):
    for number, script in enumerate(scripts()):
        (tmp_path / f"script_{number}.py").write_text(script, encoding="utf-8")
    for command in (("format", "--isolated", "--diff"), ("check", "--isolated", "--select", "E4,E7,E9,F,I,W,UP,B")):
        done = subprocess.run([RUFF, *command, str(tmp_path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[:3000]
    assert len(list(Path(tmp_path).iterdir())) > 100
