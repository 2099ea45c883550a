# What curl would send, by the rules of its manual. tests/loopback/test_curl_itself.py holds them against curl itself.
import time
from contextlib import suppress

import pytest

from curls import URL, notes, pasted, problems, reading
from httptask.curl.pasted import FORM
from httptask.errors import ImportFailed

JSON = "-H 'Content-Type: application/json'"


def sent(options, url=URL):
    return pasted(f"curl '{url}' {options}", reading(j=b'{"a": 1}', latin=b"\xe9"))


@pytest.mark.parametrize(
    ("options", "method"),
    [
        ("", "GET"),
        ("-I", "HEAD"),
        (f"-d '{{}}' {JSON}", "POST"),
        ("--json 1", "POST"),
        (f"-T j {JSON}", "PUT"),
        (f"-X PATCH -d '{{}}' {JSON}", "PATCH"),
        ("-X DELETE", "DELETE"),
        ("-G -d a=b", "GET"),
        ("-G -I -d a=b", "HEAD"),
        ("-G -X POST -d a=b", "POST"),
        ("-X delete", "DELETE"),
        ("-d ''", "POST"),
    ],
)
def test_the_method_is_curls(options, method):
    assert sent(options).method == method


def test_a_method_in_lower_case_is_told():
    assert notes(sent("-X post")) == {"-X": "methods are written in upper case: POST"}


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://api.example.com", "https://api.example.com", "/"),
        ("https://API.example.com:443/a", "https://api.example.com", "/a"),
        ("http://api.example.com:8080/a/", "http://api.example.com:8080", "/a/"),
        ("HTTPS://api.example.com?a=b", "https://api.example.com", "/"),
        ("https://api.example.com/a#b", "https://api.example.com", "/a"),
        ("api.example.com/a", "https://api.example.com", "/a"),
        ("api.example.com:8443/a", "https://api.example.com:8443", "/a"),
        ("localhost:8080/a", "http://localhost:8080", "/a"),
        ("127.0.0.1/a", "http://127.0.0.1", "/a"),
        ("https://[::1]:8443/a", "https://[::1]:8443", "/a"),
        ("https://münchen.example/a", "https://xn--mnchen-3ya.example", "/a"),
        ("https://{yourOktaDomain}/a", "https://{yourOktaDomain}", "/a"),
        ("https://<your-domain>.example.com/a", "https://{yourDomain}.example.com", "/a"),
        ("https://{{tenant}}.example.com/a", "https://{tenant}.example.com", "/a"),
        (r"https://api.example.com/a\[1\]", "https://api.example.com", "/a[1]"),
    ],
)
def test_a_url_is_split(url, origin, path):
    found = sent("", url)
    assert (found.origin, found.path) == (origin, path)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("file:///etc/passwd", "URL: only http and https URLs can be called (write https://)"),
        ("ftp://a.example.com/b", "URL: only http and https URLs can be called (write https://)"),
        ("gopher://a.example.com", "URL: only http and https URLs can be called (write https://)"),
        ("https://", "URL: "),
        ("https://a b.example.com", "URL: it holds a space, a line end or a backslash"),
        ("https://a.example.com/b c", "URL: it holds a space, a line end or a backslash"),
        ("https://a.example.com\\@b.example.com/c", "URL: it holds a space, a line end or a backslash"),
        ("https://a.example.com/b\nc", "URL: it holds a space, a line end or a backslash"),
        ("https://a.example.com:99999/", "URL: the host or the port cannot be read"),
        ("https://a..b/", "URL: the host is not a valid name"),
        ("https://a.example.com/{b,c}", "URL: curl would make several requests of the braces or brackets"),
        ("https://a.example.com/[1-3]", "URL: curl would make several requests of the braces or brackets"),
        ("https://a.example.com/?a=%ff", "query: a percent-encoding in it is not UTF-8"),
        ("https://a.example.com/?=b", "query: a value has no name (write name=value)"),
    ],
)
def test_what_is_no_plain_https_url_is_refused(url, problem):
    (found,) = problems(sent, "", url)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('curl "https://$HOST/a"', "URL: its host is a variable, which is not looked up (write the host)"),
        (
            'curl "https://a.example.com/$ID"',
            "URL: its path holds a variable, which is not looked up (write its value, or",
        ),
        ('curl "https://a.example.com/?$A=b"', "query: a name is a variable, which is not looked up (write the name)"),
        ('curl "$URL"', "URL: its host is a variable"),
        ('curl https://a.example.com -H "$A: b"', "-H: this is no header"),
        ("curl https://a.example.com -X $M", "-X: this method is not supported"),
        ("curl https://a.example.com -u $LOGIN", "-u: one variable for user name and password cannot be a reference"),
        ('curl https://a.example.com -d x -H "Content-Type: $T"', "Content-Type: this is no media type"),
    ],
)
def test_a_variable_outside_of_a_credential_is_refused_with_a_way_out(text, problem):
    (found,) = problems(pasted, text)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("options", "url", "query"),
    [
        ("", "?a=1&b=x+y%20z&c=&d", [("a", "1"), ("b", "x y z"), ("c", ""), ("d", "")]),
        ("", "?a=1&&a=2", [("a", "1"), ("a", "2")]),
        ("", "?f%5Bx%5D=%C3%A9&e=a=b", [("f[x]", "é"), ("e", "a=b")]),
        ("-G -d q=1 -d 'r=a b' --data-urlencode 's=a&b'", "?a=1", [("a", "1"), ("q", "1"), ("r", "a b"), ("s", "a&b")]),
        ("--url-query 'n=a b' --url-query +m=%20", "", [("n", "a b"), ("m", " ")]),
        ("", "", []),
    ],
)
def test_the_query_is_that_of_the_url_and_what_options_add(options, url, query):
    assert list(sent(options, URL + url).query) == query


def test_a_parameter_without_a_sign_is_told():
    assert notes(sent("", f"{URL}?a&b=")) == {"query": "a parameter without = is sent with an empty value"}


def test_headers_are_those_that_are_sent():
    found = sent("-H 'A: b' -H 'C;' -H 'Accept:' -H 'X-Gone:' -H 'D:  e ' --json 1 -b 'x=1; ' -b y=2")
    assert found.headers == (("A", "b"), ("C", ""), ("D", "e"), ("Cookie", "x=1; y=2"))
    assert list(notes(found)) == ["-H Accept:", "-H X-Gone:"]


def test_a_cookie_header_wins_over_the_option():
    assert sent("-H 'Cookie: a=1' -b b=2").headers == (("Cookie", "a=1"),)


@pytest.mark.parametrize("accept", ["Accept: text/csv", "accept: text/csv"])
def test_json_asks_for_json_unless_a_header_says_otherwise(accept):
    assert sent("--json 1").headers == (("Accept", "application/json"),)
    assert sent(f"--json 1 -H '{accept}'").headers == ((accept[:6], "text/csv"),)


@pytest.mark.parametrize(
    "header",
    ["X", "X y: z", ": y", "@headers.txt", "X: é", "X: a\nY: b", "X: a\rb", "X\n: y", "X: \x80", "{{a}}: b"],
)
def test_what_is_no_header_is_refused(header):
    (found,) = problems(sent, f"-H $'{header}'".replace("\n", "\\n").replace("\r", "\\r"))
    assert found.startswith("-H")


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ("--json 1", "application/json"),
        (f"-d 1 {JSON}", "application/json"),
        ("--json 1 -H 'content-type: application/vnd.api+json'", "application/vnd.api+json"),
        ("-d x -H 'Content-Type: text/plain; charset=utf-8'", "text/plain; charset=utf-8"),
        ("", None),
        (f"{JSON}", None),
        (f"-d '' {JSON}", None),
        (f"-G -d a=b {JSON}", None),
    ],
)
def test_the_type_of_the_body_is_curls(options, kind):
    assert sent(options).content_type == kind


def test_a_type_without_a_body_is_told():
    assert notes(sent(JSON)) == {"Content-Type": "no body is sent, so this header is not either"}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            "-d a=b",
            "-d: a body of type 'FORM' has no encoder yet (supported: application/json, +json, text/*)",
        ),
        (
            "-d '{\"a\": 1}'",
            "-d: a body of type 'FORM' has no encoder yet (curl sends this JSON as a form; ",
        ),
        ("-d x -H 'Content-Type: application/xml'", "-d: a body of type 'application/xml' has no encoder yet (supported: "),
        ("-d x -H 'Content-Type:'", "-d: nothing says what kind of body this is"),
        ("-T j", "-d: nothing says what kind of body this is"),
        (f"-X GET -d 1 {JSON}", "-d: GET takes no body here"),
        (f"-X DELETE -d 1 {JSON}", "-d: DELETE takes no body here"),
        (f"-d 1 {JSON} -H 'Content-Type: text/plain'", "Content-Type: this header is given twice"),
        ("-d 1 -H 'Content-Type: s3cr3t'", "Content-Type: this is no media type"),
        ("-X PROPFIND", "-X: this method is not supported (supported: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS)"),
        ("-b cookies.txt", "-b: cookies are not read from files"),
        ("-G --data-binary @latin", "-d: the data is not UTF-8 text"),
    ],
)
def test_what_no_task_can_send_is_refused(options, problem):
    (found,) = problems(sent, options)
    assert found.startswith(problem.replace("FORM", FORM))
    assert "s3cr3t" not in found


@pytest.mark.parametrize(
    ("text", "login"),
    [
        (f"curl -u me:pw {URL}", ("me", "pw")),
        (f"curl -u me:p:w {URL}", ("me", "p:w")),
        (f"curl -u me {URL}", ("me", None)),
        (f"curl -u me: {URL}", ("me", "")),
        ("curl https://m%65:p%40@a.example.com/", ("me", "p@")),
        ("curl https://me@a.example.com/", ("me", "")),
        ("curl -u a:b https://me:pw@a.example.com/", ("a", "b")),
        ("curl https://a.example.com:80@evil.example.com/", ("a.example.com", "80")),
    ],
)
def test_user_name_and_password_are_those_of_the_option_or_the_url(text, login):
    assert pasted(text).login == login


def test_a_name_before_the_host_is_no_host():
    assert pasted("curl https://good.example.com:80@evil.example.com/").origin == "https://evil.example.com"


def test_a_folder_takes_the_name_of_the_file_that_is_uploaded():
    assert sent(f"-T j {JSON}", f"{URL}/").path == "/v1/things/j"
    assert sent(f"-T j {JSON}", URL).path == "/v1/things"


def test_every_problem_is_told_at_once():
    assert len(problems(sent, "-X FOO -H bad -b file -d x", "ftp://a.example.com/?=b")) == 6


@pytest.mark.parametrize("text", ["{a" * 10**5, "{a," * 10**5, "[a-" * 10**5, "a&" * 10**5, "<" * 10**5, "@" * 10**5])
def test_a_long_url_is_read_at_once(text):
    begin = time.process_time()
    for url in (f"https://a.example.com/{text}", f"https://a.example.com/?{text}", f"https://{text}"):
        with suppress(ImportFailed):
            sent("", url)
    assert time.process_time() - begin < 10


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"curl '{URL}?a={'b' * 16384}'", "URL: it is longer than 16 kB"),
        (f"curl {URL} -G -d a={'b' * 16384}", "-G: the query is longer than 16 kB"),
        (f"curl '{URL}?{'a=1&' * 201}'", "query: it has more than 200 parameters"),
        (f"curl {URL}{'/a' * 201}", "URL: its path has more than 200 parts"),
        (f"curl {URL} -H 'A: {'b' * 65536}'", "-H: there are more than 64 kB of headers, or 200 headers or cookies"),
        (f"curl {URL} {'-H A:b ' * 201}", "-H: there are more than 64 kB of headers, or 200 headers or cookies"),
        (f"curl {URL} -b 'a=b{'; a=b' * 201}'", "-H: there are more than 64 kB of headers, or 200 headers or cookies"),
    ],
    ids=lambda value: value[:20],
)
def test_more_than_any_server_takes_is_refused(text, problem):
    (found,) = problems(pasted, text)
    assert found.startswith(problem)
