import os
import sys

import pytest

from httptask.errors import ConfigurationError
from httptask.references import check_reference, read_reference

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
        (f"vault:{CANARY}", "no installed package offers references with the word before its colon", "write env:NAME"),
        (f"ENV:{CANARY}", "not a reference as it is written", "did you mean `env:`"),
        (f" File:{CANARY}", "not a reference as it is written", "did you mean `file:`"),
        ("env", "not a reference", "write env:NAME or file:PATH"),
        ("", "not a reference", "write env:NAME or file:PATH"),
        ("file:", "not a reference", "write env:NAME or file:PATH"),
        ("env:", "not the name of an environment variable", "env:NAME"),
        (f"env:{CANARY}", "not the name of an environment variable", "without $"),
        ("env:$TOKEN", "not the name of an environment variable", "without $"),
        ("env:MISSING", "variable MISSING is not set", "set MISSING to the credential"),
        ("env:OKTA_TOKN", "variable OKTA_TOKN is not set", "did you mean 'OKTA_TOKEN'?"),
        ("env:EMPTY", "variable EMPTY is empty", "set EMPTY to the credential"),
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


def test_a_file_is_read_again_on_every_resolution(read, tmp_path):
    (tmp_path / "token").write_text("before\n")
    assert read("file:token").reveal() == "before"
    (tmp_path / "token").write_text("after\n")
    assert read("file:token").reveal() == "after"


# the system's keyring


class Keyring:
    """A backend in memory; what the tests do not set is what a machine without one has."""

    def __init__(self, monkeypatch):
        import keyring
        import keyring.backends.fail

        keyring.set_keyring(keyring.backends.fail.Keyring())
        monkeypatch.setattr(keyring, "get_password", self.get)
        self.answer = lambda service, name: None

    def get(self, service, name):
        return self.answer(service, name)


@pytest.fixture
def keyring_(monkeypatch):
    return Keyring(monkeypatch)


def test_a_keyring_reference_gives_the_password_of_service_and_name(read, keyring_):
    keyring_.answer = lambda service, name: f"{service}|{name}"
    assert read("keyring:okta/acme").reveal() == "okta|acme"
    assert read("keyring:https://acme.okta.com/me").reveal() == "https://acme.okta.com|me"
    assert read("keyring:okta/acme").reference == "keyring:okta/acme"


def fails(error):
    def answer(service, name):
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        (lambda service, name: None, "no password for acme in okta", "keyring set okta acme"),
        (lambda service, name: "", "no password for acme in okta", "keyring set okta acme"),
        ("no backend", "no keyring that can be used", "env:NAME or file:PATH"),
        (fails(RuntimeError(CANARY)), "could not be read (RuntimeError)", "unlock"),
    ],
)
def test_a_keyring_that_gives_nothing_says_how_to_mend_it(refusal, keyring_, answer, message, hint):
    from keyring.errors import NoKeyringError

    keyring_.answer = fails(NoKeyringError(CANARY)) if answer == "no backend" else answer
    problem = refusal("keyring:okta/acme")
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize("rest", ["okta", "/acme", "okta/"])
def test_a_keyring_reference_needs_service_and_name(refusal, rest):
    assert "not SERVICE/NAME" in refusal(f"keyring:{rest}").message


def test_without_the_keyring_package_the_extra_is_named(refusal, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert "httptask[keyring]" in refusal("keyring:okta/acme").hint


# schemes of installed packages


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install packages that resolve `vault:`, each with one function of the module `vault_plugin`."""

    def install(*functions, body):
        site = tmp_path / "site"
        site.mkdir()
        (site / "vault_plugin.py").write_text(body)
        for number, function in enumerate(functions):
            info = site / f"vault{number}-1.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vault{number}\nVersion: 1\n")
            (info / "entry_points.txt").write_text(f"[httptask.references]\nvault = vault_plugin:{function}\n")
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, "vault_plugin", raising=False)

    return install


def test_an_installed_package_resolves_its_own_scheme(read, installed):
    installed("get", body="def get(text): return 'secret of ' + text\n")
    secret = read("vault:kv/okta#token")
    assert (secret.reveal(), secret.reference) == ("secret of kv/okta#token", "vault:kv/okta#token")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (f"def get(text): raise OSError('{CANARY}')\n", "failed (OSError)"),
        (f"raise RuntimeError('{CANARY}')\n", "failed (RuntimeError)"),
        ("other = 1\n", "failed (AttributeError)"),
        ("def get(text): return None\n", "gave no text"),
        ("def get(text): return ''\n", "gave no text"),
        ("def get(text): return b'00abc'\n", "gave no text"),
    ],
)
def test_a_resolver_that_fails_is_named_without_its_words(refusal, installed, body, message):
    installed("get", body=body)
    problem = refusal("vault:kv/okta")
    assert message in problem.message
    assert "vault_plugin:get" in problem.hint


def test_two_packages_for_one_scheme_are_refused(refusal, installed):
    installed("get", "fetch", body="")
    assert "vault_plugin:fetch, vault_plugin:get" in refusal("vault:kv").message


def test_a_package_is_not_loaded_to_check_a_reference(installed):
    installed("get", body="raise RuntimeError\n")
    check_reference("vault:kv", "--token")
    assert "vault_plugin" not in sys.modules
