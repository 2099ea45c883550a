import os
from pathlib import Path

import pytest

from httptask.surroundings import Surroundings, config_folder, template_path


def surroundings(folder, **env):
    return Surroundings(env, folder / "home", folder / "cwd", folder / "config")


@pytest.mark.parametrize(
    ("platform", "env", "expected"),
    [
        ("linux", {}, "/home/ada/.config"),
        ("linux", {"XDG_CONFIG_HOME": "/etc/ada"}, "/etc/ada"),
        ("linux", {"XDG_CONFIG_HOME": "relative"}, "/home/ada/.config"),
        ("darwin", {"XDG_CONFIG_HOME": "/etc/ada"}, "/home/ada/Library/Application Support"),
        ("win32", {"APPDATA": "/roaming"}, "/roaming"),
        ("win32", {}, "/home/ada/AppData/Roaming"),
    ],
)
def test_each_platform_has_its_configuration_folder(platform, env, expected):
    assert config_folder(platform, env, Path("/home/ada")) == Path(expected)


def test_the_template_path_names_folders_in_order(tmp_path):
    written = os.pathsep.join(["~/templates", "", "mine", str(tmp_path / "other")])
    expected = (tmp_path / "home" / "templates", tmp_path / "cwd" / "mine", tmp_path / "other")
    assert template_path(surroundings(tmp_path, HTTPTASK_PATH=written)) == expected
    assert template_path(surroundings(tmp_path)) == ()


def test_the_current_surroundings_are_the_real_ones(monkeypatch, tmp_path):
    monkeypatch.setenv("HTTPTASK_CONFIG", "here.toml")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    current = Surroundings.current()
    assert current.profiles_file == tmp_path / "here.toml"
    assert current.cwd == tmp_path


def test_a_user_without_a_home_folder_still_has_surroundings(monkeypatch):
    def no_home():
        raise RuntimeError

    monkeypatch.setattr(Path, "home", no_home)
    assert Surroundings.current().home == Path(os.sep)
