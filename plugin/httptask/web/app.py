"""The routes of the page. Each reads its request, lets a plain function do the work in a thread, and answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from httptask.errors import DefinitionError, InputInvalid, JournalError, Problem, ProblemsError
from httptask.web.run_page import RunPage
from httptask.web.site import Site
from httptask.web.statuses import MISSING, REFUSED, SEE_OTHER
from httptask.web.submissions import submitted
from httptask.web.task_page import TaskPage
from httptask.web.workflow_page import WorkflowPage

if TYPE_CHECKING:
    from httptask.web.guard import App

#: Tasks on one page of the list.
STEP = 50
#: Digits of a number that any list of ours has.
LONGEST_NUMBER = 8
#: Asks for the part of a page that changes, in place of the whole.
PART = "x-part"
_A_YEAR = "private, max-age=31536000, immutable"


def application(site: Site) -> App:
    """Return the page's application, to be put behind the guard."""
    routes = _Routes(site)
    return Router(
        [
            Route("/", routes.tasks),
            Route("/search", routes.search),
            Route("/tasks/{task}", routes.task),
            Route("/tasks/{task}", routes.task_sent, methods=["POST"]),
            Route("/tasks/{task}/check", routes.task_checked, methods=["POST"]),
            Route("/tasks/{task}/fields", routes.fields),
            Route("/workflows", routes.workflows),
            Route("/workflows/{name}", routes.workflow),
            Route("/workflows/{name}", routes.workflow_sent, methods=["POST"]),
            Route("/workflows/{name}/check", routes.workflow_checked, methods=["POST"]),
            Route("/runs", routes.runs),
            Route("/runs/{run}", routes.run),
            Route("/runs/{run}", routes.run_sent, methods=["POST"]),
            Route("/runs/{run}/events", routes.events),
            Route("/runs/{run}/body", routes.body),
            Route("/static/{name}", routes.static),
            Route("/{rest:path}", routes.nothing, methods=["GET", "POST"]),
        ]
    )


class _Routes:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._tasks = TaskPage(site)
        self._workflows = WorkflowPage(site)
        self._runs = RunPage(site)

    async def tasks(self, request: Request) -> Response:
        return await self._page(partial(self._results, "index", request))

    async def search(self, request: Request) -> Response:
        return await self._page(partial(self._results, "results", request))

    async def task(self, request: Request) -> Response:
        given = request.query_params
        show = partial(self._tasks.show, request.path_params["task"], given.get("run", ""), given.get("from", ""))
        return await self._page(partial(show, part=PART in request.headers))

    async def fields(self, request: Request) -> Response:
        return await self._page(partial(self._tasks.fields, request.path_params["task"], _number(request, "start")))

    async def task_sent(self, request: Request) -> Response:
        return await self._act(request, partial(self._tasks.act, request.path_params["task"]))

    async def task_checked(self, request: Request) -> Response:
        return await self._checked(request, partial(self._tasks.problems, request.path_params["task"]))

    async def workflows(self, _request: Request) -> Response:
        return await self._page(self._workflows.every)

    async def workflow(self, request: Request) -> Response:
        return await self._page(partial(self._workflow, request.path_params["name"]))

    async def workflow_sent(self, request: Request) -> Response:
        return await self._act(request, partial(self._workflows.act, request.path_params["name"]))

    async def workflow_checked(self, request: Request) -> Response:
        return await self._checked(request, partial(self._workflows.problems, request.path_params["name"]))

    async def runs(self, _request: Request) -> Response:
        return await self._page(self._runs.every)

    async def run(self, request: Request) -> Response:
        return await self._page(partial(self._runs.show, request.path_params["run"], part=PART in request.headers))

    async def run_sent(self, request: Request) -> Response:
        return await self._act(request, partial(self._runs.act, request.path_params["run"]))

    async def events(self, request: Request) -> Response:
        after = request.headers.get("last-event-id", "")
        number = int(after) if after.isascii() and after.isdigit() and len(after) < LONGEST_NUMBER else 0
        return StreamingResponse(self._runs.events(request.path_params["run"], number), media_type="text/event-stream")

    async def body(self, request: Request) -> Response:
        run = request.path_params["run"]
        found = self._runs.body(run)
        if found is None:
            return self._problems(JournalError(Problem(run, "the answer is no longer held", "send the request again")), MISSING)
        name = f"{run}.{'json' if found[1] == 'application/json' else 'txt'}"
        return Response(found[0], media_type=found[1], headers={"Content-Disposition": f'attachment; filename="{name}"'})

    async def static(self, request: Request) -> Response:
        asset = self._site.pages.assets.get(request.path_params["name"])
        if asset is None:
            return Response("There is no such file.", MISSING, media_type="text/plain")
        return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": _A_YEAR})

    async def nothing(self, request: Request) -> Response:
        problem = Problem(request.url.path, "there is no such page")
        return self._problems(DefinitionError(problem), MISSING)

    async def _act(self, request: Request, act: Callable[..., tuple[int, str]]) -> Response:
        """Read a form and do what its button says."""
        try:
            sent = await submitted(request)
        except InputInvalid as error:
            return self._problems(error, REFUSED)
        return await self._page(partial(act, sent, part=PART in request.headers))

    async def _checked(self, request: Request, check: Callable[..., dict[str, Any]]) -> Response:
        """Read a form and say what is wrong with it."""
        try:
            found = await run_in_threadpool(check, await submitted(request))
        except ProblemsError as error:
            found = {"problems": [{"id": None, **problem.to_json()} for problem in error.problems]}
        return Response(json.dumps(found), media_type="application/json")

    async def _page(self, draw: Callable[[], str | tuple[int, str]]) -> Response:
        """Draw a page in a thread; what is wrong with a definition is a page too."""
        try:
            drawn = await run_in_threadpool(draw)
        except ProblemsError as error:
            return self._problems(error, MISSING)
        status, text = drawn if isinstance(drawn, tuple) else (200, drawn)
        if status == SEE_OTHER:
            return RedirectResponse(text, SEE_OTHER)
        return HTMLResponse(text, status)

    def _problems(self, error: ProblemsError, status: int) -> Response:
        title = "This does not work" if status != MISSING else "This is not there"
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
        try:
            return self._workflows.show(name)
        except DefinitionError as error:
            return REFUSED, self._site.pages.draw("workflow", name=name, problems=error.problems, workflow=None)


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER else 0
