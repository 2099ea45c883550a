import os

import pytest

from httptask.errors import ConfigurationError
from httptask.references import read_reference

CANARY = "00c4n4ry-token"


@pytest.fixture
def read(tmp_path):
    def call(reference, **env):
        return read_reference(reference, env, locate=tmp_path.joinpath, where="--token")

    return call


@pytest.fixture
def refusal(read):
    def call(reference, **env):
        with pytest.raises(ConfigurationError) as caught:
            read(reference, **env)
        (problem,) = caught.value.problems
        assert "c4n4ry" not in str(problem)
        assert problem.where == "--token"
        return problem

    return call


def test_an_environment_reference_gives_the_variable(read):
    secret = read("env:OKTA_TOKEN", OKTA_TOKEN="00abc")
    assert (secret.reveal(), secret.reference) == ("00abc", "env:OKTA_TOKEN")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"00abc", "00abc"),
        (b"00abc\n", "00abc"),
        (b"\r\n00abc\r\n", "00abc"),
        (b"\xef\xbb\xbf00abc\n", "00abc"),
        (b"a" * 64 * 1024, "a" * 64 * 1024),
    ],
)
def test_a_file_reference_gives_the_token_without_the_newline(read, tmp_path, content, expected):
    (tmp_path / "token").write_bytes(content)
    secret = read("file:token")
    assert (secret.reveal(), secret.reference) == (expected, "file:token")


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        (CANARY, "not a reference", "write env:NAME or file:PATH"),
        (f"SSWS {CANARY}", "not a reference", "write env:NAME or file:PATH"),
        (f"token:{CANARY}", "not a reference", "write env:NAME or file:PATH"),
        ("env", "not a reference", "write env:NAME or file:PATH"),
        ("", "not a reference", "write env:NAME or file:PATH"),
        ("file:", "not a reference", "write env:NAME or file:PATH"),
        ("env:", "not the name of an environment variable", "env:NAME"),
        (f"env:{CANARY}", "not the name of an environment variable", "without $"),
        ("env:$TOKEN", "not the name of an environment variable", "without $"),
        ("env:MISSING", "variable MISSING is not set", "set MISSING to the token"),
        ("env:OKTA_TOKN", "variable OKTA_TOKN is not set", "did you mean 'OKTA_TOKEN'?"),
        ("env:EMPTY", "variable EMPTY is empty", "set EMPTY to the token"),
    ],
)
def test_a_reference_that_gives_nothing_says_how_to_mend_it(refusal, reference, message, hint):
    problem = refusal(reference, OKTA_TOKEN=CANARY, EMPTY="")
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "cannot be read: No such file or directory"),
        ("folder", "is not a regular file"),
        ("large", "is larger than 64 kB"),
        ("utf16", "is not UTF-8 text"),
        ("nul\0", "cannot be read: the path is not valid"),
    ],
)
def test_a_credential_file_that_cannot_be_used_is_named(refusal, tmp_path, name, message):
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(CANARY.encode() * 6000)
    (tmp_path / "utf16").write_bytes(CANARY.encode("utf-16"))
    problem = refusal(f"file:{name}")
    assert problem.message.startswith(f"{tmp_path / name} ")
    assert message in problem.message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no named pipes")
def test_a_named_pipe_is_refused_rather_than_waited_for(refusal, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refusal("file:pipe").message
