"""`import-curl`: a pasted command in, files and next steps out, and its credential nowhere."""

import json
import os
import re
import shlex
import stat

import pytest

from cli.command import NOTES
from httptask.cli.writing import write_files
from httptask.errors import ConfigurationError

pytestmark = pytest.mark.broad

TOKEN = "tk7-Zq9x4Lm2Vb8"
URL = "https://api.example.com/v1/things"
OKTA = "https://acme.okta.com/api/v1/agentPools"
GET = ["curl", f"{URL}/42?limit=5", "-H", f"Authorization: Bearer {TOKEN}"]


def written(folder):
    return {str(file.relative_to(folder)): file.read_text(encoding="utf-8") for file in folder.rglob("*") if file.is_file()}


def test_without_a_folder_the_files_are_shown_and_nothing_is_written(inside, tmp_path):
    done = inside("import-curl", *GET)
    assert done.out == (
        "# my_templates/example/provider.yaml\n"
        "id: example\n"
        "title: Example API\n"
        "servers:\n"
        "  - {url: 'https://api.example.com'}\n"
        "securitySchemes:\n"
        "  bearerAuth: {type: http, scheme: bearer}\n"
        "\n"
        "# my_templates/example/get_thing.yaml\n"
        "id: example.get_thing\n"
        "summary: Get thing\n"
        "method: GET\n"
        "path: /v1/things/{{ thingId }}\n"
        "parameters:\n"
        "  - name: thingId\n"
        "    in: path\n"
        "    required: true\n"
        "    schema: {type: string}\n"
        "    example: '42'\n"
        "  - name: limit\n"
        "    in: query\n"
        "    schema: {type: integer}\n"
        "    example: 5\n"
        "responses:\n"
        "  2XX: {description: Success}\n"
        "security:\n"
        "  - {bearerAuth: []}\n"
    )
    assert done.err.splitlines() == [
        "nothing was written: --out DIR writes these files",
        "next:",
        "  export EXAMPLE_TOKEN=...",
        (
            "  httptask connections add example --provider example --base-url https://api.example.com --token env:EXAMPLE_TOKEN"
            " --templates my_templates"
        ),
        "  httptask test example.get_thing -i thingId=42 -i limit=5 --connection example --templates my_templates --dry-run",
    ]
    assert written(tmp_path) == {}


def test_the_files_that_are_written_are_valid_and_the_steps_work(inside, tmp_path):
    done = inside("import-curl", "--out", "t", *GET)
    assert done.out == "wrote t/example/provider.yaml\nwrote t/example/get_thing.yaml\n"
    assert inside("validate", "t").out == "2 files are valid\n"
    steps = [shlex.split(line) for line in done.err.splitlines() if line.startswith("  httptask ")]
    for step in steps:
        shown = inside(*step[1:], env={"EXAMPLE_TOKEN": TOKEN})
    assert "GET /v1/things/42?limit=5" in shown.out
    assert "Authorization: Bearer ***" in shown.out


def test_lines_for_the_file_of_profiles_work_too(inside, tmp_path):
    done = inside("import-curl", "--out", "t", "curl", URL, "-u", f"me:{TOKEN}")
    lines = [line[2:] for line in done.err.splitlines() if line.startswith("  ")]
    place = lines[2].removeprefix("# add to ")
    (tmp_path / "connections.toml").write_text("\n".join(lines[3:-1]), encoding="utf-8")
    assert place.endswith("connections.toml")
    variables = {"EXAMPLE_USERNAME": "me", "EXAMPLE_PASSWORD": TOKEN, "HTTPTASK_CONFIG": "connections.toml"}
    assert "Authorization: Basic ***" in inside(*shlex.split(lines[-1])[1:], env=variables).out


@pytest.mark.parametrize(
    "way",
    [
        lambda text: (shlex.split(text), ""),
        lambda text: ([text], ""),
        lambda text: (["@pasted.txt"], ""),
        lambda text: (["-"], text),
        lambda text: ([], text),
    ],
    ids=["words", "one text", "a file", "a dash", "standard input"],
)
def test_a_command_may_be_given_in_every_way(inside, tmp_path, way):
    text = f"curl -sS --json '{{\"a\": \"b c\"}}' '{URL}'"
    (tmp_path / "pasted.txt").write_text(text.replace(" -sS", " \\\n  -sS"), encoding="utf-8")
    words, stdin = way(text)
    result = inside("import-curl", "--json", *words, stdin=stdin).json
    assert (result["task"], result["method"]) == ("example.create_thing", "POST")
    assert "example: {a: b c}" in result["files"][1]["content"]


def test_our_options_stand_before_a_command_of_words_and_anywhere_beside_a_text(inside):
    assert inside("import-curl", "--id", "go", "--json", *GET).json["task"] == "example.go"
    assert inside("import-curl", shlex.join(GET), "--id", "go", "--json").json["task"] == "example.go"
    assert inside("import-curl", "--id", "go", "--json", "--", *GET).json["task"] == "example.go"
    assert inside("import-curl", "--provider", "curl", "--json", *GET).json["provider"] == "curl"
    assert inside("import-curl", "--json", "curl", "--json", "{}", URL).json["method"] == "POST"


def test_the_form_for_programs(inside):
    result = inside("import-curl", "--json", *GET, "-k", "--compressed").json
    assert list(result) == [
        *("schemaVersion", "task", "provider", "method", "path", "exists", "written", "files", "credential", "notes", "next"),
    ]
    assert (result["path"], result["exists"], result["written"]) == ("/v1/things/{thingId}", False, False)
    assert [file["file"] for file in result["files"]] == [
        "my_templates/example/provider.yaml",
        "my_templates/example/get_thing.yaml",
    ]
    assert result["credential"] == {"scheme": "bearerAuth", "token": "env:EXAMPLE_TOKEN"}
    assert [(note["kind"], note["subject"]) for note in result["notes"]] == [("connection", "-k"), ("ignored", "--compressed")]
    assert [step["do"] for step in result["next"]] == ["run", "run", "run"]


def test_an_error_of_a_command_with_an_option_json_of_its_own_is_told_in_words(inside):
    done = inside("import-curl", "curl", URL, "--json", "{", code=2)
    assert done.out == ""
    assert done.err.startswith("error: body, line 1 column 2: it is not JSON\n")
    assert inside("import-curl", "--json", "curl", URL, "--json", "{", code=2).problems == ["body, line 1 column 2"]


def test_data_files_are_taken_from_the_working_directory(inside, tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1}', encoding="utf-8")
    assert "example: {a: 1}" in inside("import-curl", "curl", "--json", "@a.json", URL).out
    for name, message in (
        ("none.json", "cannot be read: No such file or directory"),
        (".", "standard input is not read for data"),
    ):
        done = inside("import-curl", "curl", "--json", f"@{name}", URL, code=2)
        assert message in done.err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "error: command: this does not begin with curl"),
        ("wget a", "error: command: this does not begin with curl"),
        ("curl", "error: URL: the command names no URL"),
        (f"curl {URL} | jq .", "error: standard input:1:40: a pipe follows the command"),
        (f"curl {URL}?a=$(rm -rf /)", "error: standard input:1:42: a command in $( ) would have to be run"),
        (f"curl {URL} \x1b[31m", "error: standard input:1:40: the character U+001B may not stand in a command"),
        (f"curl {URL} -F a=b --bogus", "error: -F: this cannot be taken over"),
        (f"curl {URL}/../x", "error: URL: its path holds a . or .. segment"),
        (f"curl -H $'X: a\\r\\nY: b' {URL}", "error: -H X: a header value must be visible ASCII"),
        ("curl " + "a" * (4 * 2**20), "error: command: the command is longer than 4 MiB"),
    ],
)
def test_what_cannot_be_imported_is_told_and_nothing_is_written(inside, tmp_path, text, problem):
    done = inside("import-curl", "--out", "t", stdin=text, code=2)
    assert done.err.startswith(problem)
    assert done.out == ""
    assert written(tmp_path) == {}


def test_bytes_that_are_no_text_are_refused(httptask):
    done = httptask("import-curl", "curl", "https://a.example.com/\udcff", code=2)
    assert done.err.startswith("error: word 2: this is not UTF-8 text")


def test_a_task_that_exists_is_named_and_nothing_is_written(inside, tmp_path):
    done = inside("import-curl", "--out", "t", "curl", f"{OKTA}?poolType=AD&other=1", "-H", "Authorization: SSWS $OKTA_KEY")
    assert (
        done.out == "okta.list_agent_pools does this already, so that no new template is needed; --force makes one all the same\n"
    )
    assert "note: other: okta.list_agent_pools has no such parameter" in done.err
    assert "  httptask connections add okta --provider okta --base-url https://acme.okta.com --token env:OKTA_KEY" in done.err
    assert "  httptask test okta.list_agent_pools -i poolType=AD --connection okta --dry-run" in done.err
    assert written(tmp_path) == {}


def test_a_template_of_ones_own_that_exists_is_named_with_its_folder(inside):
    words = ["curl", "https://notes.example.com/v1/notes/n1", "-X", "DELETE", "-H", f"X-Api-Key: {TOKEN}"]
    result = inside("import-curl", "--json", "--templates", NOTES, *words).json
    assert (result["task"], result["exists"], result["files"]) == ("notes.delete_note", True, [])
    assert (
        result["next"][-1]["text"]
        == f"httptask test notes.delete_note -i noteId=n1 --connection notes --templates {NOTES} --dry-run"
    )


def test_force_or_an_id_makes_a_template_all_the_same_with_a_provider_of_its_own(inside, tmp_path):
    words = ["curl", OKTA, "-H", f"Authorization: SSWS {TOKEN}"]
    done = inside("import-curl", "--out", "t", "--force", *words)
    assert sorted(written(tmp_path)) == ["t/my_okta/list_agent_pools.yaml", "t/my_okta/provider.yaml"]
    assert "so the new one belongs to my_okta" in done.err
    assert inside("list", "--templates", "t").out.count("my_okta.list_agent_pools") == 1


def test_an_org_under_a_domain_of_its_own_is_pointed_to_the_task_that_may_fit(inside):
    assert (
        "note: task okta.list_agent_pools: it sends GET /api/v1/agentPools too"
        in inside("import-curl", "curl", "https://id.acme.com/api/v1/agentPools").err
    )


def test_a_second_command_joins_the_provider_of_the_first(inside, tmp_path):
    inside("import-curl", "--out", "t", *GET)
    before = (tmp_path / "t" / "example" / "provider.yaml").read_bytes()
    done = inside("import-curl", "--out", "t", "curl", "-X", "DELETE", f"{URL}/42", "-H", f"Authorization: Bearer {TOKEN}")
    assert done.out == "wrote t/example/delete_thing.yaml\n"
    assert (tmp_path / "t" / "example" / "provider.yaml").read_bytes() == before
    assert inside("validate", "t").out == "3 files are valid\n"
    again = inside("import-curl", "--out", "t/example", "--id", "more", *GET)
    assert again.out == "wrote t/example/more.yaml\n"


def test_the_same_command_again_exists_already(inside):
    inside("import-curl", "--out", "t", *GET)
    assert inside("import-curl", "--out", "t", *GET).out.startswith("example.get_thing does this already")


def test_a_file_that_is_there_is_never_overwritten_without_force(inside, tmp_path):
    inside("import-curl", "--out", "t", *GET)
    file = tmp_path / "t" / "example" / "get_thing.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("Get thing", "Mine"), encoding="utf-8")
    done = inside("import-curl", "--out", "t", "--id", "get_thing", *GET, code=2)
    assert done.err.startswith("error: t/example/get_thing.yaml: this file is there already\n")
    assert "Mine" in file.read_text(encoding="utf-8")
    inside("import-curl", "--out", "t", "--id", "get_thing", "--force", *GET)
    assert "Mine" not in file.read_text(encoding="utf-8")


def test_a_provider_whose_security_does_not_fit_is_left_as_it_is(inside, tmp_path):
    inside("import-curl", "--out", "t", *GET)
    before = written(tmp_path)
    done = inside("import-curl", "--out", "t", "curl", "-X", "PUT", URL, "-u", f"me:{TOKEN}", code=2)
    assert "no security scheme of example takes the credential of the command" in done.err
    assert "add it under securitySchemes: basicAuth: {type: http, scheme: basic}" in done.err
    assert written(tmp_path) == before


def test_a_folder_of_another_servers_provider_is_refused(inside, tmp_path):
    inside("import-curl", "--out", "t", *GET)
    before = written(tmp_path)
    done = inside("import-curl", "--out", "t", "--provider", "example", "curl", "https://other.example.org/a", code=2)
    assert "the provider example there is not for the server of this command" in done.err
    assert written(tmp_path) == before
    other = inside("import-curl", "--out", "t", "curl", "https://www.example.org/a").out
    assert other == "wrote t/my_example/provider.yaml\nwrote t/my_example/get_a.yaml\n"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--provider", "okta"], "the id okta is taken by a provider in another folder"),
        (["--provider", "Bad-Id"], "--provider: this cannot be an id"),
        (["--id", "a.b", "--provider", "c"], "--id: it names another provider than --provider"),
        (["--id", "Bad Id"], "--id: this cannot be an id"),
        (["--id", "Bad.id"], "--id: this cannot be an id"),
    ],
)
def test_ids_that_cannot_be_are_refused(inside, options, problem):
    assert problem in inside("import-curl", *options, *GET, code=2).err


def test_no_secret_is_in_any_file_or_output(inside, tmp_path):
    body = json.dumps({"note": f"again {TOKEN}", "password": "pw-7f3a9b+/x=Q", "copy": "pw-7f3a9b+/x=Q", "name": "north"})
    words = ["curl", f"{URL}/{TOKEN}?q={TOKEN}", "-H", f"Authorization: Bearer {TOKEN}", "-H", f"X-Note: {TOKEN}", "--json", body]
    words += ["-b", "session=ck-9x8y7z6w5v", "-U", "me:px-112233445566", "-H", "X-CSRF-Token: cs-0987654321"]
    for options in ([], ["--json"], ["--out", "t"], ["--out", "t", "--json", "--force"]):
        done = inside("import-curl", *options, *words)
        everything = done.all + str(written(tmp_path))
        for secret in (TOKEN, "pw-7f3a9b", "ck-9x8y7z6w5v", "px-112233445566", "cs-0987654321"):
            assert secret not in everything
    assert "north" in everything


def test_what_is_printed_is_masked_even_where_the_user_repeats_the_credential(inside):
    assert TOKEN not in inside("import-curl", "--out", TOKEN, *GET).all


def test_errors_hold_no_secret_either(inside):
    for more in (["-F", f"a={TOKEN}"], [f"--x={TOKEN}"], ["-d", TOKEN], ["-H", TOKEN], ["-H", f"X: é{TOKEN}"], [f"{TOKEN}://a"]):
        for options in ([], ["--json"]):
            assert TOKEN not in inside("import-curl", *options, "curl", URL, "-u", f"me:{TOKEN}", *more, code=2).all


def test_text_of_the_command_moves_no_cursor(inside):
    done = inside("import-curl", "curl", f"{URL}?a=%C2%9B2J%E2%80%AE%1B", "-H", "X: a")
    assert [character for character in done.all if character != "\n" and not character.isprintable()] == []


# writing


def test_files_are_written_whole_or_not_at_all(tmp_path):
    (tmp_path / "t" / "b.yaml").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="this file is there already"):
        write_files({tmp_path / "t" / "a.yaml": "a", tmp_path / "t" / "b.yaml": "b"})
    assert sorted(path.name for path in (tmp_path / "t").iterdir()) == ["b.yaml"]


def test_what_was_begun_is_taken_back_when_the_system_refuses(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"cannot be written: (Not a directory|File exists)"):
        write_files({tmp_path / "new" / "deep" / "a.yaml": "a", tmp_path / "file" / "b.yaml": "b"})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_that_comes_meanwhile_stays(tmp_path, monkeypatch):
    def link(source, target):
        target.write_text("theirs", encoding="utf-8")
        return os_link(source, target)

    os_link = os.link
    monkeypatch.setattr(os, "link", link)
    with pytest.raises(ConfigurationError, match="File exists"):
        write_files({tmp_path / "a.yaml": "mine"})
    assert written(tmp_path) == {"a.yaml": "theirs"}


def test_a_new_file_has_the_rights_that_new_files_have(tmp_path):
    before = os.umask(0o027)
    try:
        write_files({tmp_path / "a.yaml": "a"})
        write_files({tmp_path / "a.yaml": "b"}, replaced=tmp_path / "a.yaml")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.yaml").stat().st_mode) == 0o640
    assert written(tmp_path) == {"a.yaml": "b"}


def test_the_help_says_that_nothing_is_run(inside):
    text = re.sub(r"\s+", " ", inside("import-curl", "--help").out)
    assert "read, never run" in text
    assert "httptask import-curl --out my_templates @pasted.txt" in text


def test_the_command_works_as_a_process_of_its_own(httptask):
    assert httptask("import-curl", "--out", "t", *GET).out.startswith("wrote t/example/provider.yaml\n")
