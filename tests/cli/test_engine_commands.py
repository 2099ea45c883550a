"""`httptask worker` and `httptask deploy`: each engine's command is loaded when it is used, and a missing engine is told."""

from importlib.util import find_spec

import pytest

COMMANDS = [("worker temporal", "temporalio"), ("worker conductor", "conductor"), ("deploy conductor", "conductor")]


@pytest.mark.parametrize(("command", "_package"), COMMANDS)
def test_the_engines_are_listed_and_their_options_told_without_being_there(httptask, command, _package):
    group, engine = command.split()
    assert engine in httptask(group, "--help").out
    assert "--" in httptask(group, engine, "--help").out


@pytest.mark.parametrize("group", ["worker", "deploy"])
def test_an_unknown_engine_is_told(httptask, group):
    assert f"No {group} for 'nothing'; engines: " in httptask(group, "nothing", code=2).err
    assert "did you mean 'conductor'?" in httptask(group, "conducto", code=2).err


@pytest.mark.parametrize("group", ["worker", "deploy"])
def test_an_engine_needs_a_name(httptask, group):
    assert "conductor" in (done := httptask(group, code=2)).err + done.out


@pytest.mark.parametrize(("command", "package"), COMMANDS)
def test_a_missing_engine_is_told_with_the_command_that_installs_it(httptask, command, package):
    if find_spec(package) is not None:
        pytest.skip(f"{package} is installed here")
    assert f'pip install "httptask[{command.split()[1]}]"' in httptask(*command.split(), code=2).err


@pytest.mark.skipif(find_spec("temporalio") is None, reason="temporalio is not installed: tests/engines/run temporal")
def test_a_server_that_is_not_there_says_how_to_start_one(httptask):
    assert "temporal server start-dev" in httptask("worker", "temporal", "--address", "127.0.0.1:1", code=2).err


@pytest.mark.parametrize("engine", ["temporal", "conductor"])
def test_a_worker_does_not_begin_with_a_connection_that_there_is_not(httptask, engine):
    assert "there is no profile file" in httptask("worker", engine, "--connection", "production", code=2).err
    folder = httptask.folder / ".config" / "httptask"
    folder.mkdir(parents=True)
    (folder / "connections.toml").write_text('[connections.produktion]\nprovider = "okta"\n', encoding="utf-8")
    said = httptask("worker", engine, "--connection", "production", code=2).err
    assert "--connection production: " in said
    assert "did you mean 'produktion'?" in said


@pytest.mark.skipif(find_spec("conductor") is None, reason="conductor-python is not installed: tests/engines/run conductor")
@pytest.mark.parametrize("url", ["http://[bad", "http://name with-canary", "http://localhost:canary"])
@pytest.mark.parametrize("group", ["worker", "deploy"])
def test_an_address_of_conductor_that_is_none_is_refused_by_the_name_of_what_says_it(httptask, group, url):
    for arguments, env in (["--server", url], {}), ([], {"CONDUCTOR_SERVER_URL": url}):
        said = httptask(group, "conductor", *arguments, env=env, code=2).err
        assert "--server" in said
        assert "CONDUCTOR_SERVER_URL" in said
        assert "Traceback" not in said
        assert url not in said
