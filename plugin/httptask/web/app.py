"""The routes of the page. Each reads its request, lets a plain function do the work in a thread, and answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, Router

from httptask.errors import DefinitionError, InputInvalid, Problem, ProblemsError
from httptask.graph import graph_of, text_of
from httptask.web.site import Site
from httptask.web.submissions import submitted
from httptask.web.task_page import TaskPage

if TYPE_CHECKING:
    from httptask.web.guard import App

#: Tasks on one page of the list.
STEP = 50
#: Asks for the part of a page that changes, in place of the whole.
PART = "x-part"
_A_YEAR = "private, max-age=31536000, immutable"
_MISSING = 404
_BROKEN = 422

Endpoint = Callable[[Request], Awaitable[Response]]


def application(site: Site) -> App:
    """Return the page's application, to be put behind the guard."""
    routes = _Routes(site)
    return Router(
        [
            Route("/", routes.tasks),
            Route("/search", routes.search),
            Route("/tasks/{task}", routes.task),
            Route("/tasks/{task}", routes.act, methods=["POST"]),
            Route("/tasks/{task}/check", routes.check, methods=["POST"]),
            Route("/tasks/{task}/fields", routes.fields),
            Route("/workflows", routes.workflows),
            Route("/workflows/{name}", routes.workflow),
            Route("/static/{name}", routes.static),
            Route("/{rest:path}", routes.nothing, methods=["GET", "POST"]),
        ]
    )


class _Routes:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._task_page = TaskPage(site)

    async def tasks(self, request: Request) -> Response:
        return await self._page(partial(self._results, "index", request))

    async def search(self, request: Request) -> Response:
        return await self._page(partial(self._results, "results", request))

    async def task(self, request: Request) -> Response:
        return await self._page(partial(self._task_page.show, request.path_params["task"]))

    async def fields(self, request: Request) -> Response:
        start = _number(request, "start")
        return await self._page(partial(self._task_page.fields, request.path_params["task"], start))

    async def act(self, request: Request) -> Response:
        try:
            sent = await submitted(request)
        except InputInvalid as error:
            return self._problems(error, _BROKEN)
        is_part = PART in request.headers
        return await self._page(partial(self._task_page.act, request.path_params["task"], sent, part=is_part))

    async def check(self, request: Request) -> Response:
        try:
            sent = await submitted(request)
            found = await run_in_threadpool(self._task_page.problems, request.path_params["task"], sent)
        except ProblemsError as error:
            found = {"problems": [{"id": None, **problem.to_json()} for problem in error.problems]}
        return Response(json.dumps(found), media_type="application/json")

    async def workflows(self, _request: Request) -> Response:
        return await self._page(lambda: self._site.pages.draw("workflows", workflows=self._site.workflows.listed()))

    async def workflow(self, request: Request) -> Response:
        return await self._page(partial(self._workflow, request.path_params["name"]))

    async def static(self, request: Request) -> Response:
        asset = self._site.pages.assets.get(request.path_params["name"])
        if asset is None:
            return Response("There is no such file.", _MISSING, media_type="text/plain")
        return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": _A_YEAR})

    async def nothing(self, request: Request) -> Response:
        problem = Problem(request.url.path, "there is no such page")
        return self._problems(DefinitionError(problem), _MISSING)

    async def _page(self, draw: Callable[[], str | tuple[int, str]]) -> Response:
        """Draw a page in a thread; what is wrong with a definition is a page too."""
        try:
            drawn = await run_in_threadpool(draw)
        except ProblemsError as error:
            return self._problems(error, _MISSING)
        status, text = drawn if isinstance(drawn, tuple) else (200, drawn)
        return HTMLResponse(text, status)

    def _problems(self, error: ProblemsError, status: int) -> Response:
        title = "This does not work" if status != _MISSING else "This is not there"
        return HTMLResponse(self._site.pages.draw("problem", title=title, problems=error.problems), status)

    def _results(self, name: str, request: Request) -> str:
        query = request.query_params.get("q", "")[:200]
        start = _number(request, "start")
        catalogue = self._site.catalogue
        return self._site.pages.draw(
            name,
            query=query,
            start=start,
            step=STEP,
            results=catalogue.search(query, start, STEP),
            total=len(catalogue.registry()),
            problems=catalogue.problems,
        )

    def _workflow(self, name: str) -> str | tuple[int, str]:
        draw = partial(self._site.pages.draw, "workflow", name=name)
        try:
            workflow = self._site.workflows.load(name, self._site.catalogue.registry())
        except DefinitionError as error:
            return _BROKEN, draw(problems=error.problems, workflow=None)
        return draw(problems=(), workflow=workflow, tree="\n".join(text_of(graph_of(workflow))))


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0  # noqa: PLR2004 - no list is so long
