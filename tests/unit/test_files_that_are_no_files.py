"""Links that lead to themselves, devices, pipes and numbers without end, where a definition file is expected."""

import os
import threading
from pathlib import Path

import pytest

from httptask.cli import main
from httptask.documents import parse
from httptask.errors import ConfigurationError, TemplateInvalid
from httptask.loader import LARGEST_FILE, Library, read_bytes, shipped
from httptask.settings import ConnectionRequest, resolve
from httptask.surroundings import Surroundings

PROVIDER = "id: acme\ntitle: Acme\nservers: [{url: 'https://api.example.com'}]\n"
TASK = "id: acme.ping\nmethod: GET\npath: /ping\nresponses: {'200': {description: OK}}\n"
LIST = "okta.list_agent_pools"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and pipes differ")


@pytest.fixture
def loop(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").symlink_to("x.yaml")
    return "x.yaml"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "provider.yaml").write_text(PROVIDER)
    (tmp_path / "one.yaml").write_text(TASK)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate", "x.yaml"),
        ("run", "x.yaml"),
        ("test", LIST, "-i", "poolType=@x.yaml", "--dry-run"),
        ("test", LIST, "--body", "@x.yaml", "--dry-run"),
        ("test", LIST, "--inputs", "x.yaml", "--dry-run"),
    ],
    ids=" ".join,
)
def test_a_link_to_itself_is_a_file_that_cannot_be_read(loop, capsys, arguments):
    assert main(arguments) == 2
    assert "error: x.yaml: cannot be read: " in capsys.readouterr().err


def test_a_link_to_itself_hides_no_other_template(folder):
    (folder / "x.yaml").symlink_to("x.yaml")
    registry = Library(root=folder).registry()
    assert list(registry) == ["acme.ping"]
    assert [Path(problem.where).name for problem in registry.problems] == ["x.yaml"]


def test_a_link_to_itself_among_the_templates_is_no_crash(folder, capsys):
    (folder / "x.yaml").symlink_to("x.yaml")
    for arguments in (("list",), ("show", "acme.ping"), ("test", "acme.ping", "--dry-run")):
        assert main([*arguments, "--templates", str(folder)]) == 0
    assert main(["validate", str(folder)]) == 2
    assert "x.yaml: cannot be read: " in capsys.readouterr().err


def test_shared_schemas_that_cannot_be_read_are_not_taken_for_none(folder):
    (folder / "schemas.yaml").symlink_to("schemas.yaml")
    for name in ("schemas.yaml", "one.yaml"):
        with pytest.raises(TemplateInvalid, match="cannot be read"):
            Library(root=folder).check(folder / name)


def test_a_home_folder_of_nobody_is_a_file_that_is_not_there(capsys):
    assert main(["test", LIST, "--body", "@~nobody-of-this-name/x", "--dry-run"]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_not_read(device):
    with pytest.raises(TemplateInvalid, match="not a regular file"):
        read_bytes(Path(device))


def test_a_pipe_among_the_templates_hides_no_other_and_is_not_waited_for(folder):
    os.mkfifo(folder / "pipe.yaml")
    found = []
    thread = threading.Thread(target=lambda: found.append(Library(root=folder).registry()), daemon=True)
    thread.start()
    thread.join(5)
    assert [list(registry) for registry in found] == [["acme.ping"]]
    assert "not a regular file" in found[0].problems[0].message


def test_a_link_to_a_regular_file_is_read(tmp_path):
    (tmp_path / "one.yaml").write_text(TASK)
    (tmp_path / "two.yaml").symlink_to("one.yaml")
    assert read_bytes(tmp_path / "two.yaml") == TASK.encode()


def test_a_file_that_is_larger_than_it_says_is_not_read_whole(tmp_path, monkeypatch):
    (tmp_path / "large.yaml").write_bytes(b"a" * 20)
    monkeypatch.setattr("httptask.loader.LARGEST_FILE", 10)
    with pytest.raises(TemplateInvalid, match="larger than"):
        read_bytes(tmp_path / "large.yaml")
    assert LARGEST_FILE > 20


@pytest.mark.parametrize("number", ["0x" + "f" * 100_000, "0o" + "7" * 100_000, "1" * 5000, "-" + "1" * 5000])
def test_a_number_that_cannot_be_written_again_is_a_problem(number):
    with pytest.raises(TemplateInvalid, match="too many digits"):
        parse(f"name: {number}\n".encode(), file="x.yaml")


def test_short_hexadecimal_and_octal_numbers_are_read():
    assert parse(b"a: 0xff\nb: 0o17\n", file="x.yaml").data == {"a": 255, "b": 15}


def told(code):
    """Return what a configuration error says; a pipe that is waited for would take for ever."""
    caught = []

    def run():
        try:
            code()
        except ConfigurationError as error:
            caught.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(5)
    (error,) = caught
    return str(error)


@pytest.mark.parametrize("name", ["okta.yaml", "connections.toml"])
def test_a_pipe_in_place_of_a_users_file_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    around = Surroundings({"HTTPTASK_CONFIG": "connections.toml"}, tmp_path, tmp_path, tmp_path)
    provider = Library().provider(shipped("task_templates") / "okta")
    assert "the file cannot be read" in told(lambda: resolve(provider, ConnectionRequest(), around))


@pytest.mark.parametrize("key", ["key.pem", "~nosuchuser/key.pem"])
def test_a_key_of_okta_yaml_that_is_a_pipe_or_of_nobody_is_refused(tmp_path, key):
    os.mkfifo(tmp_path / "key.pem")
    client = f"{{orgUrl: 'https://acme.okta.com', authorizationMode: PrivateKey, clientId: svc, privateKey: {key}}}"
    (tmp_path / "okta.yaml").write_text(f"okta: {{client: {client}}}")
    around = Surroundings({}, tmp_path, tmp_path, tmp_path)
    provider = Library().provider(shipped("task_templates") / "okta")
    assert "nor the path of a file" in told(lambda: resolve(provider, ConnectionRequest(), around))


def test_a_pipe_in_place_of_a_ca_bundle_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "ca.pem")
    profile = 'provider = "okta"\nbaseUrl = "https://acme.okta.com"\ntoken = "env:T"\ncaBundle = "ca.pem"\n'
    (tmp_path / "connections.toml").write_text(f"[connections.default]\n{profile}")
    around = Surroundings({"HTTPTASK_CONFIG": "connections.toml", "T": "00token"}, tmp_path, tmp_path, tmp_path)
    provider = Library().provider(shipped("task_templates") / "okta")
    assert "caBundle: there is no file" in told(lambda: resolve(provider, ConnectionRequest(), around))
