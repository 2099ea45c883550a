"""Definitions as frozen values: what the files say, unrendered. Field names are the files' names in snake_case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from httptask.egress_policy import OPERATORS, EgressPolicy
from httptask.message import Timeouts
from httptask.openapi_paths import openapi_path

if TYPE_CHECKING:
    from httptask.ports import Auth
    from httptask.secrets import Secret

Json = Any
Schema = Mapping[str, Any]
Location = Literal["path", "query", "header", "cookie"]

#: RFC 9110 section 9.2.2. PUT and DELETE are idempotent but not safe.
IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
#: RFC 9110 section 9.2.1: asking changes nothing.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
#: Content in these has no defined meaning (RFC 9110 sections 9.3.1, 9.3.2, 9.3.5, 9.3.8); we refuse to send any.
BODILESS_METHODS = frozenset({"GET", "HEAD", "DELETE", "TRACE"})


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file, one-based, for messages that an editor can jump to."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        """Return `file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation, in OpenAPI's words. `schema` is self-contained (`$defs` inside the input schema)."""

    name: str
    location: Location
    required: bool
    schema: Schema
    style: str
    explode: bool
    description: str = ""
    example: Json = None


@dataclass(frozen=True, slots=True)
class Body:
    """The request body: one input called `body`, or with `template` the named `inputs` that the template is filled from."""

    required: bool
    content_type: str
    schema: Schema
    description: str = ""
    example: Json = None
    template: Json = None
    inputs: Mapping[str, Schema] = field(default_factory=dict)
    required_inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """A documented response: `schema` None means no content is documented."""

    description: str
    schema: Schema | None = None
    example: Json = None


@dataclass(frozen=True, slots=True)
class Success:
    """When an answer counts as success: status patterns (`201`, `2XX`) and an optional boolean expression on the body."""

    statuses: tuple[str, ...] = ("2XX",)
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """A named result: an expression over `response` and the JSON Schema of what it yields."""

    value: str
    schema: Schema
    description: str = ""


@dataclass(frozen=True, slots=True)
class SecurityRequirement:
    """One alternative of `security`: a scheme of the provider and the scopes it needs."""

    scheme: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds and shape of retries, seconds throughout, and what a template or step says beyond the built-in rules.

    `statuses` are retried whatever the method, `never_statuses` never, and an answer on which `condition` holds is retried.
    """

    max_attempts: int = 4
    max_elapsed: float = 300.0
    base: float = 0.5
    factor: float = 2.0
    cap: float = 30.0
    server_wait_cap: float = 120.0
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    statuses: tuple[int, ...] = ()
    never_statuses: tuple[int, ...] = ()
    condition: str | None = None

    def override(self, *layers: Mapping[str, Any] | None) -> RetryPolicy:
        """Return the policy with fields replaced; later layers win. Keys are the files' camelCase names."""
        given = {RETRY_FIELDS[key]: value for layer in layers if layer for key, value in layer.items()}
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
        return replace(self, **values)

    @property
    def timeouts(self) -> Timeouts:
        """The timeouts of one attempt."""
        return Timeouts(self.connect_timeout, self.read_timeout)


#: File key -> field of `RetryPolicy`.
RETRY_FIELDS: Mapping[str, str] = {
    "maxAttempts": "max_attempts",
    "maxElapsed": "max_elapsed",
    "backoffBase": "base",
    "backoffFactor": "factor",
    "backoffCap": "cap",
    "serverWaitCap": "server_wait_cap",
    "connectTimeout": "connect_timeout",
    "readTimeout": "read_timeout",
    "statuses": "statuses",
    "neverStatuses": "never_statuses",
    "condition": "condition",
}


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """A security scheme of a provider, in OpenAPI's words. `prefix` goes before an apiKey (Okta: `SSWS `).

    `token_url` is where an access token is asked for: a path below the connection's base URL, or absolute on its origin.
    """

    name: str
    type: Literal["apiKey", "http", "oauth2"]
    description: str = ""
    location: Literal["header", "query", "cookie"] = "header"
    field_name: str = "Authorization"
    http_scheme: str = "bearer"
    prefix: str = ""
    scopes: Mapping[str, str] = field(default_factory=dict)
    token_url: str | None = None


@dataclass(frozen=True, slots=True)
class RateLimitSpec:
    """Names of the counters a server sends. `reset` is epoch seconds on the server's clock; see contracts for the wait rule."""

    limit_header: str
    remaining_header: str
    reset_header: str


@dataclass(frozen=True, slots=True)
class ErrorShape:
    """Where a vendor's error body keeps code, message and causes (keys), and which header carries the request id."""

    code: str | None = None
    message: str | None = None
    causes: str | None = None
    cause_message: str | None = None
    request_id_header: str | None = None
    hints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Environment:
    """Names of environment variables that users of this API already have, and of files of the vendor's own clients."""

    base_url: str | None = None
    token: str | None = None
    authorization_mode: str | None = None
    client_id: str | None = None
    private_key: str | None = None
    key_id: tuple[str, ...] = ()
    scopes: str | None = None
    config_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Paging:
    """How lists of an API go on.

    Attributes:
        style: `link`: the Link header with rel=next (RFC 8288). `cursor`: a value of the answer goes into a query parameter.
            `page` and `offset`: a number is counted up.
        items: key path of the list within the body, as in `data.items`; empty when the body itself is the list.
        parameter: the query parameter that takes the cursor, page number or offset; none for `link`.
        cursor: key path of the next cursor within the body.
        cursor_header: the response header that holds the next cursor instead.
        limit_parameter: the query parameter with the length of a page.
        limit: the length of a page when the caller does not say; a shorter page is the last one.
        first_page: number of the first page.

    """

    style: Literal["link", "cursor", "page", "offset"]
    items: str = ""
    parameter: str = ""
    cursor: str = ""
    cursor_header: str = ""
    limit_parameter: str = ""
    limit: int | None = None
    first_page: int = 1


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """One safe request that proves a connection works: a task of the provider and its inputs."""

    task: str
    inputs: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The header by which a provider recognises a repeated request, the methods it holds for, and for how many seconds.

    `quoted` writes the key as a structured-field string, as draft-ietf-httpapi-idempotency-key-header asks.
    """

    header: str
    methods: tuple[str, ...] = ("POST", "PATCH")
    valid_for: float = 86400.0
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Verify:
    """How to find out whether a request whose answer was lost was applied: another task and what its answer means.

    `candidates` yields a list that `applied`, `not_applied` and `outputs` read as `candidates`. `uses_before` is True when an
    expression reads `before`, the answer of the same task taken before the first attempt, which callers must ask for.
    """

    task: str
    inputs: Mapping[str, Json]
    applied: str
    not_applied: str | None
    candidates: str | None
    outputs: Mapping[str, Json]
    uses_before: bool


@dataclass(frozen=True, slots=True, eq=False)
class Provider:
    """What all templates of one API share."""

    id: str
    title: str
    description: str
    server_url: str
    server_variables: Mapping[str, Mapping[str, Any]]
    security_schemes: Mapping[str, SecurityScheme]
    headers: Mapping[str, str]
    retry: Mapping[str, Any]
    rate_limit: RateLimitSpec | None
    errors: ErrorShape
    environment: Environment
    paging: Paging | None = None
    documentation: str = ""
    buckets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    origin_aliases: tuple[str, ...] = ()
    idempotency_key: IdempotencyKey | None = None
    check: ConnectionCheck | None = None

    @property
    def default_url(self) -> str:
        """The server URL with every variable's default filled in."""
        url = self.server_url
        for name, variable in self.server_variables.items():
            url = url.replace("{" + name + "}", str(variable["default"]))
        return url


@dataclass(frozen=True, slots=True, eq=False)
class TaskTemplate:
    """One API operation as a parameterised HTTP task, unrendered."""

    id: str
    operation_id: str
    provider: Provider
    method: str
    path: str
    summary: str
    description: str
    tags: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    headers: Mapping[str, str]
    body: Body | None
    responses: Mapping[str, ResponseSpec]
    success: Success
    outputs: Mapping[str, Output]
    security: tuple[SecurityRequirement, ...]
    definitions: Mapping[str, Schema]
    retry: Mapping[str, Any]
    idempotent: bool | None
    deprecated: bool
    source: Place
    verify: Verify | None = None
    follow_redirects: bool = False
    #: None leaves it to the provider; False says that this task's answers do not go on.
    paging: Paging | Literal[False] | None = None

    @property
    def is_idempotent(self) -> bool:
        """Whether sending twice equals sending once: declared, else by method (RFC 9110 section 9.2.2)."""
        return self.method in IDEMPOTENT_METHODS if self.idempotent is None else self.idempotent

    def only_asks(self, *, declared: bool | None) -> bool:
        """Tell whether sending it changes nothing, so that a lost answer is no loss; what a step `declared` wins."""
        word = self.idempotent if declared is None else declared
        return self.method in SAFE_METHODS and word is not False

    def retry_policy(self, *layers: Mapping[str, Any]) -> RetryPolicy:
        """Return the policy that the provider and the template give; what else speaks comes after them, later layers win."""
        return RetryPolicy().override(self.provider.retry, self.retry, *layers)

    @property
    def effective_paging(self) -> Paging | None:
        """How the task's list goes on: by its own word, else the provider's, which holds for a GET that takes the parameter."""
        if self.paging is not None:
            return self.paging or None
        paging = self.provider.paging
        if self.method != "GET" or paging is None:
            return None
        takes = any(parameter.location == "query" and parameter.name == paging.parameter for parameter in self.parameters)
        return paging if paging.style == "link" or takes else None

    @property
    def openapi_path(self) -> str:
        """The path as an OpenAPI document writes it: `/a/{b}`."""
        return openapi_path(self.path)

    @property
    def scopes(self) -> tuple[str, ...]:
        """Every scope named by any security alternative."""
        return tuple(dict.fromkeys(scope for requirement in self.security for scope in requirement.scopes))

    def scopes_for(self, scheme: str) -> tuple[str, ...]:
        """Return the scopes that the task needs under one security scheme, the first alternative that names it."""
        return next((requirement.scopes for requirement in self.security if requirement.scheme == scheme), ())

    @property
    def accepts_body(self) -> bool:
        """Whether the task takes the input `body`."""
        return self.body is not None and self.body.template is None


@dataclass(frozen=True, slots=True)
class Connection:
    """What differs per tenant: origin and base path, credential, extra headers. Base URL and credential come from one source.

    `client_certificate` holds the paths of a PEM certificate and its key for mutual TLS; no key path: both are in one file.
    """

    name: str
    base_url: str
    auth: Auth | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    retry: Mapping[str, Any] = field(default_factory=dict)
    verify: bool | str = True
    source: str = ""
    egress: EgressPolicy = OPERATORS
    client_certificate: tuple[str, str | None] | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret that its credential holds by now."""
        return self.auth.secrets if self.auth else ()

    @property
    def endpoints(self) -> tuple[str, ...]:
        """URLs of tokens that its credential is asked for."""
        return self.auth.endpoints if self.auth else ()

    @property
    def owned_headers(self) -> frozenset[str]:
        """Names, in lower case, of the headers that its credential alone sets."""
        return self.auth.headers if self.auth else frozenset()


@dataclass(frozen=True, slots=True)
class ForEach:
    """The list a step is repeated over, how many items at a time, and whether the others go on when one has failed."""

    items: str
    max_parallel: int = 1
    on_error: Literal["stop", "continue"] = "stop"


@dataclass(frozen=True, slots=True)
class Until:
    """Polling: ask again every `every` seconds until `condition` holds, `fail_if` holds, or `timeout` seconds passed."""

    condition: str
    fail_if: str | None
    every: float
    timeout: float


@dataclass(frozen=True, slots=True)
class Paginate:
    """Read the following pages too: at most so many pages and items; `max_items` also bounds what an expression may hold."""

    max_pages: int | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a workflow: exactly one of `task`, `workflow`, `parallel`, `wait` and `approve` is given.

    Attributes:
        task: id of a task template.
        workflow: another workflow, run as one step; `file` is what the step says of its file.
        parallel: steps that run at the same time; each reads only what stands above the group.
        wait: seconds to wait; a resumed run waits for what is left.
        approve: a message; the run ends as `waiting` until a person approves or rejects.
        timeout: seconds of running time for the step; with `until` the time to ask at most stands there.

    """

    id: str
    source: Place
    task: str | None = None
    workflow: Workflow | None = None
    parallel: tuple[Step, ...] = ()
    wait: float | None = None
    approve: str | None = None
    summary: str = ""
    inputs: Mapping[str, Json] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    condition: str | None = None
    for_each: ForEach | None = None
    until: Until | None = None
    paginate: Paginate | None = None
    timeout: float | None = None
    outputs: Mapping[str, Json] = field(default_factory=dict)
    retry: Mapping[str, Any] = field(default_factory=dict)
    continue_on_error: bool = False
    idempotent: bool | None = None
    verify_before: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow file: ordered steps that pass outputs on. `on_failure` runs when a step has failed and ends the run."""

    name: str
    description: str
    inputs: Schema
    connection: str | None
    steps: tuple[Step, ...]
    outputs: Mapping[str, Json]
    source: Place
    sandbox: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = None
    on_failure: tuple[Step, ...] = ()

    def every_step(self) -> Iterator[Step]:
        """Yield all steps in the order of the file, those of groups and `onFailure` included, sub-workflows not entered."""
        for step in (*self.steps, *self.on_failure):
            yield step
            yield from step.parallel

    def tasks(self) -> Iterator[str]:
        """Yield the id of every task used, those of sub-workflows included, each use once; a shared sub-workflow counts once."""
        yield from _tasks(self, set())


def _tasks(workflow: Workflow, seen: set[int]) -> Iterator[str]:
    for step in workflow.every_step():
        if step.task is not None:
            yield step.task
        if step.workflow is not None and id(step.workflow) not in seen:
            seen.add(id(step.workflow))
            yield from _tasks(step.workflow, seen)
