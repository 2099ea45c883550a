# Options read as curl reads them; an option that is unknown or cannot be taken over is an error, never lost.
import pytest

from curls import URL, command, notes, problems, reading
from httptask.curl.command import is_curl, read_command
from httptask.curl.options import LETTERS, OPTIONS

FILES = reading(f=b"a=1\r\nb\n", j=b'{"a":\n 1}\n', nul=b"a\0b", mark="\ufdd0x\ufdd1".encode())


def read(options, files=FILES):
    return command(f"curl {URL} {options}", files)


@pytest.mark.parametrize("word", ["curl", "/usr/bin/curl", "curl.exe", r"C:\tools\curl.exe", "./curl"])
def test_curl_may_be_named_with_its_path(word):
    assert is_curl(word)


@pytest.mark.parametrize("word", ["", "curly", "acurl", "curl x", "curl -d x https://a/curl", "-/curl", "--out=x/curl", "wget"])
def test_other_words_are_not_curl(word):
    assert not is_curl(word)


@pytest.mark.parametrize("words", [(), ("wget", URL), ("TOKEN=a", "curl", URL), ("sudo", "curl", URL), (URL,)])
def test_a_command_begins_with_curl(words):
    (problem,) = problems(read_command, words, FILES)
    assert problem.startswith("command: this does not begin with curl")


@pytest.mark.parametrize(
    ("options", "data"),
    [
        ("", None),
        ("-d a=1", b"a=1"),
        ("-da=1", b"a=1"),
        ("--data a -d b --data-raw c --data-ascii d --data-binary e", b"a&b&c&d&e"),
        ("-d @f", b"a=1b"),
        ("-d@f", b"a=1b"),
        ("-d @nul", b"ab"),
        ("--data-ascii @f", b"a=1b"),
        ("--data-binary @f", b"a=1\r\nb\n"),
        ("--data-raw @f", b"@f"),
        ("--json @j", b'{"a":\n 1}\n'),
        ("--json '{' --json '}'", b"{}"),
        ("--json '{}' -d x", b"{}&x"),
        ("-d x --json '{}'", b"x{}"),
        ("--data-urlencode 'a b'", b"a+b"),
        ("--data-urlencode '=a b&c=d'", b"a+b%26c%3Dd"),
        ("--data-urlencode 'n=a+b~-._é'", b"n=a%2Bb~-._%C3%A9"),
        ("--data-urlencode @f", b"a%3D1%0D%0Ab%0A"),
        ("--data-urlencode n@f", b"n=a%3D1%0D%0Ab%0A"),
        ("-d ''", b""),
        ("-d é", "é".encode()),
    ],
)
def test_data_is_joined_as_curl_joins_it(options, data):
    assert read(options).data == data


def test_letters_may_stand_together_and_before_their_value():
    found = read("-sSLXPUT -GH'A: b' -ux:y")
    assert (found.method, found.headers, found.user, found.get) == ("PUT", ("A: b",), "x:y", True)


def test_the_last_of_a_value_counts_and_headers_add_up():
    found = read("-X PUT --request PATCH -u a -u b:c -H 'A: 1' -H 'B: 2' -A one -A two -e three -r 0-9 -b a=1 -b b=2")
    assert (found.method, found.user, found.cookies) == ("PATCH", "b:c", ("a=1", "b=2"))
    assert found.headers == ("A: 1", "B: 2", "User-Agent: two", "Referer: three", "Range: bytes=0-9")


@pytest.mark.parametrize(("options", "get"), [("-G", True), ("-G --no-get", False), ("--no-get", False), ("", False)])
def test_an_option_without_a_value_is_undone_by_no(options, get):
    assert read(options).get is get


def test_a_value_may_begin_with_a_dash():
    assert read("-d -x -H --y").data == b"-x"
    assert command(f"curl -X POST -- {URL}").url == URL
    assert command(f"curl --url {URL}").url == URL


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("--bogus", "--bogus: curl has no such option (check the spelling)"),
        ("--heder x", "--heder: curl has no such option (did you mean 'header'?)"),
        ("--request=POST", "--request: curl has no such option (curl takes the value as the next word: --request VALUE)"),
        ("--token=s3cr3t", "--token: curl has no such option (check the spelling)"),
        ("--s3cr3t/+s3cr3t", "option: curl has no such option (check the spelling)"),
        ("-@", "option: curl has no such option (check the spelling)"),
        ("-s9", "-9: curl has no such option (check the spelling)"),
        ("--no-header", "--no-header: curl has no such option (did you mean 'header'?)"),
        ("-X", "-X: this option lacks its value (write it behind the option)"),
        ("-", "-: a lone - is no URL (write the URL)"),
        ("-F a=b", "-F: this cannot be taken over (a multipart form has no encoder yet; supported: JSON and text bodies)"),
        ("--unix-socket s", "--unix-socket: this cannot be taken over (only a host can be called; "),
        ("--next", "--next: this cannot be taken over (paste one request at a time)"),
        ("--digest", "--digest: this cannot be taken over (this way to log in is not supported: "),
        ("-K file", "-K: this cannot be taken over (no file of options is read; paste the options themselves)"),
        ("-d @-", "-d: -: standard input is not read for data (name a file, or write the data itself)"),
        ("-d @", "-d: @: the file's name is empty or a variable (write @ and the name of a file)"),
        ("-d @$FILE", "-d: @: the file's name is empty or a variable (write @ and the name of a file)"),
        ("-d @mark", "-d: @: the file holds noncharacters of Unicode (remove U+FDD0 and U+FDD1)"),
        ("-T -", "-T: -: standard input is not read for data"),
        ("https://b.example.com", "URL: the command names 2 URLs (paste one request at a time; "),
        ("-I -d x", "-d, -T, -I: curl takes only one of these (leave the others out)"),
        ("-T f -d x", "-d, -T, -I: curl takes only one of these (leave the others out)"),
    ],
)
def test_what_cannot_be_taken_over_is_named_with_a_way_out(options, problem):
    (found,) = problems(read, options)
    assert found.startswith(problem)
    assert "s3cr3t" not in found


def test_every_problem_is_told_at_once():
    assert len(problems(command, "curl --bogus --next -F a=b", FILES)) == 4


def test_options_that_change_nothing_or_belong_elsewhere_are_told():
    found = read("-sS --compressed -k --connect-timeout 5 -x http://u:s3cr3t@proxy --no-progress-meter -L")
    assert notes(found, "ignored") == {
        "-s": "it concerns what curl prints or stores",
        "-S": "it concerns what curl prints or stores",
        "--compressed": "httptask always asks for gzip",
        "-L": "redirects are not followed, unless the template says followRedirects: true",
    }
    assert notes(found, "connection") == {
        "-k": "TLS is always verified; a profile names the authorities to trust as caBundle",
        "--connect-timeout": "in a profile: retry = {connectTimeout = SECONDS}",
        "-x": "the variables HTTPS_PROXY and NO_PROXY name the proxy",
    }


def test_credentials_of_other_options_are_known_so_that_nothing_repeats_them():
    found = read("--cert c.pem:s3cr3t1 --pass s3cr3t2 -U u:s3cr3t3 --proxy-header 'A: s3cr3t4' -x http://u:s3cr3t5@p")
    assert {"s3cr3t1", "s3cr3t2", "u:s3cr3t3", "s3cr3t3", "A: s3cr3t4", "s3cr3t5"} <= set(found.secrets)
    assert "c.pem" not in found.secrets
    assert "s3cr3t" not in repr(found)


def test_a_file_is_uploaded():
    found = read("-T j")
    assert (found.upload.name, found.upload.content) == ("j", b'{"a":\n 1}\n')


def test_every_letter_has_an_option_and_every_option_says_what_becomes_of_it():
    assert set(LETTERS.values()) <= set(OPTIONS)
    assert [option.name for option in OPTIONS.values() if option.role != "request" and not option.says] == []
