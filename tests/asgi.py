"""A browser without a network: asks an ASGI application, keeps cookies, and reads what comes as HTML."""

import asyncio
import json
from html.parser import HTMLParser
from urllib.parse import urlencode

HOST = "127.0.0.1:8321"
_VOID = {"input", "meta", "link", "br", "wbr"}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, values
        return values[0] if values else None

    @property
    def page(self):
        return Page(self.text)


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent, self.parts = tag, dict(attributes), parent, []

    def __getitem__(self, name):
        return self.attributes.get(name)

    @property
    def text(self):
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    @property
    def words(self):
        return " ".join(self.text.split())

    def every(self, tag=None, **wanted):
        for part in self.parts:
            if isinstance(part, str):
                continue
            if (tag is None or part.tag == tag) and all(part[name.strip("_")] == value for name, value in wanted.items()):
                yield part
            yield from part.every(tag, **wanted)


class Page(HTMLParser):
    """The elements of a page."""

    def __init__(self, text):
        super().__init__()
        self.root = self.here = Element("", (), None)
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        element = Element(tag, attrs, self.here)
        self.here.parts.append(element)
        if tag not in _VOID:
            self.here = element

    def handle_endtag(self, tag):
        assert self.here.tag == tag, f"<{self.here.tag}> is closed by </{tag}>"
        self.here = self.here.parent

    def handle_data(self, data):
        self.here.parts.append(data)

    def every(self, tag=None, **wanted):
        return list(self.root.every(tag, **wanted))

    def one(self, tag=None, **wanted):
        [found] = self.every(tag, **wanted)
        return found

    def fields(self):
        """What a browser sends of the form when no field is touched: names with their values, in order."""
        form = self.one("form", id="form")
        sent = []
        for field in form.every():
            if not field["name"] or field.tag == "button" or field["type"] == "file":
                continue
            if field.tag == "select":
                options = list(field.every("option"))
                chosen = [option for option in options if "selected" in option.attributes] or options[:1]
                sent += [(field["name"], option["value"]) for option in chosen]
            elif field.tag == "textarea":
                sent.append((field["name"], field.text.removeprefix("\n")))
            elif field["type"] != "checkbox" or "checked" in field.attributes:
                sent.append((field["name"], field["value"] or ""))
        return sent


class Browser:
    """Asks as a browser does that shows the page."""

    def __init__(self, app, host=HOST):
        self.app, self.host, self.cookies = app, host, {}

    def get(self, path, **headers):
        return self.ask("GET", path, headers={"sec-fetch-site": "same-origin", **headers})

    def post(self, path, fields=(), **headers):
        body = urlencode(list(fields)).encode()
        own = {"origin": f"http://{self.host}", "sec-fetch-site": "same-origin"}
        own["content-type"] = "application/x-www-form-urlencoded"
        return self.ask("POST", path, headers={**own, **headers}, body=body)

    def upload(self, path, fields=(), files=()):
        boundary = "b0undary"
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields
        ]
        for name, filename, content in files:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
            parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content + b"\r\n")
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        own = {"origin": f"http://{self.host}", "content-type": f"multipart/form-data; boundary={boundary}"}
        return self.ask("POST", path, headers=own, body=body)

    def ask(self, method, path, headers=(), body=b"", chunks=None):
        given = {"host": self.host, **{name.replace("_", "-"): value for name, value in dict(headers).items()}}
        if self.cookies:
            given["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body:
            given.setdefault("content-length", str(len(body)))
        answer = asyncio.run(exchange(self.app, method, path, given, chunks or [body]))
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return answer


async def exchange(app, method, path, headers, chunks):
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if value is not None],
        "server": ("127.0.0.1", 8321),
        "client": ("127.0.0.1", 50000),
    }
    waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    waiting[-1]["more_body"] = False
    sent = []

    async def receive():
        if waiting:
            return waiting.pop(0)
        await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Answer(start["status"], [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]], body)
