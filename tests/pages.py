"""The page without a server: a site over folders of a test, behind its guard, and a browser that is in."""

from asgi import HOST, Browser
from httptask.web.app import application
from httptask.web.catalogue import Catalogue
from httptask.web.guard import TOKEN, Guard, Sessions
from httptask.web.site import Site
from httptask.web.workflow_files import WorkflowFiles

PROVIDER = """
id: acme
title: Acme
servers: [{url: 'https://api.example.com'}]
securitySchemes:
  key: {type: apiKey, in: header, name: Authorization, prefix: 'Key '}
environment: {baseUrl: ACME_URL, token: ACME_TOKEN}
"""
THING = """
id: acme.make_thing
summary: Make a thing
description: Makes `things`, see [the docs](https://example.com/docs).
method: POST
path: /rooms/{{ room }}/things
tags: [Things]
parameters:
  - {name: room, in: path, required: true, schema: {type: string}, description: Where it goes, example: blue}
  - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 50}}
  - {name: kinds, in: query, schema: {type: array, items: {enum: [a, b]}}}
requestBody:
  schema:
    type: object
    required: [name]
    properties:
      name: {type: string, examples: [ball]}
      count: {type: integer, minimum: 1}
      loud: {type: boolean}
      colour: {enum: [red, blue]}
      password: {type: string, format: password}
      id: {type: string, readOnly: true}
      parts:
        type: array
        items: {type: object, required: [id], properties: {id: {type: string}, weight: {type: number}}}
      shape: {oneOf: [{type: object}, {type: array}]}
responses:
  '201': {description: Created, schema: {type: object}, example: {id: t1}}
  '400': {description: Bad}
outputs:
  id: {value: '{{ response.body.id }}', schema: {type: string}}
security: [{key: []}]
"""


def folder(path, task=THING, provider=PROVIDER):
    path.mkdir(parents=True, exist_ok=True)
    (path / "provider.yaml").write_text(provider)
    (path / "make_thing.yaml").write_text(task)
    return path


#: Sites of the running test, to be closed when it ends.
SITES = []


def close_all():
    while SITES:
        SITES.pop().close()


def opened(*folders, workflows=(), **choices):
    """Return a browser that is in, and the site."""
    site = Site(Catalogue(folders), WorkflowFiles(workflows), **choices)
    sessions = Sessions("httptask-8321")
    browser = Browser(Guard(application(site), {HOST}, sessions, site.pages.refusal, site.failed))
    browser.get(f"/?{TOKEN}={sessions.token}")
    browser.site = site
    SITES.append(site)
    return browser


def alone(monkeypatch, home):
    """Take the machine's own connections away."""
    for name in (
        "OKTA_CLIENT_ORGURL",
        "OKTA_CLIENT_TOKEN",
        "HTTPTASK_CONFIG",
        "ACME_URL",
        "ACME_TOKEN",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "HTTPTASK_JOURNAL",
        "HTTPTASK_PATH",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
