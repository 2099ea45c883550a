"""A profile is appended to connections.toml: nothing that stands there is lost, whatever happens."""

import os
import stat
import sys

import pytest

from httptask.errors import ConfigurationError
from httptask.profile_writing import add_profile
from httptask.profiles import read_profiles
from httptask.surroundings import Surroundings

VALUES = {"provider": "okta", "baseUrl": "https://acme.okta.com", "token": "env:T"}
TABLE = b'[connections.new]\nprovider = "okta"\nbaseUrl = "https://acme.okta.com"\ntoken = "env:T"\n'


@pytest.fixture
def around(tmp_path):
    return Surroundings({}, tmp_path, tmp_path, tmp_path / "config")


def existing(around, content):
    around.profiles_file.parent.mkdir(parents=True)
    around.profiles_file.write_bytes(content)
    return around.profiles_file


def refusal(around, name="new", values=VALUES):
    with pytest.raises(ConfigurationError) as caught:
        add_profile(name, values, around)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("before", "gap"),
    [
        (b"# mine\n[connections.a]  # keep\nbaseUrl = 'x'\n", b"\n"),
        (b"# no newline at the end", b"\n\n"),
        (b"\xef\xbb\xbf# a byte-order mark\n", b"\n"),
        (b"", b""),
    ],
)
def test_what_stood_there_is_kept_byte_for_byte(around, before, gap):
    file = existing(around, before)
    assert add_profile("new", VALUES, around) == file
    assert file.read_bytes() == before + gap + TABLE


def test_line_ends_follow_the_file(around):
    file = existing(around, b"[connections.a]\r\nbaseUrl = 'x'\r\n")
    add_profile("new", VALUES, around)
    assert file.read_bytes().endswith(b"\r\n\r\n" + TABLE.replace(b"\n", b"\r\n"))


def test_a_first_profile_makes_file_and_folder(around):
    assert add_profile("new", VALUES, around).read_bytes() == TABLE


@pytest.mark.skipif(sys.platform == "win32", reason="modes differ")
def test_only_the_owner_may_read_it(around):
    file = existing(around, b"")
    file.chmod(0o644)
    add_profile("new", VALUES, around)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_linked_file_stays_linked(around, tmp_path):
    (tmp_path / "dotfiles.toml").write_bytes(b"")
    around.profiles_file.parent.mkdir(parents=True)
    around.profiles_file.symlink_to(tmp_path / "dotfiles.toml")
    add_profile("new", VALUES, around)
    assert around.profiles_file.is_symlink()
    assert (tmp_path / "dotfiles.toml").read_bytes() == TABLE


def test_values_are_written_so_that_they_are_read_back(around):
    values = {"baseUrl": 'a "quoted" \\ text', "token": "file:päß\x7f😀"}
    add_profile("new", values, around)
    assert read_profiles(around) == {"new": values}


def test_a_name_that_is_taken_is_refused_and_nothing_written(around):
    file = existing(around, TABLE)
    assert "already has a connection new" in refusal(around).message
    assert file.read_bytes() == TABLE


@pytest.mark.parametrize("name", ["", "a.b", "a b", 'a"', "é", "a\n", "x" * 65])
def test_a_name_that_is_no_plain_word_is_refused(around, name):
    assert "cannot be the name" in refusal(around, name).message
    assert not around.profiles_file.exists()


def test_a_file_that_cannot_take_a_table_is_left_alone(around):
    before = b"connections = {a = {baseUrl = 'x'}}\n"
    file = existing(around, before)
    assert "by hand" in refusal(around).hint
    assert file.read_bytes() == before


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(around, monkeypatch):
    file = existing(around, TABLE.replace(b"new", b"old"))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert refusal(around).message == "cannot be written: No space left on device"
    assert file.read_bytes() == TABLE.replace(b"new", b"old")
    assert [path.name for path in file.parent.iterdir()] == ["connections.toml"]
