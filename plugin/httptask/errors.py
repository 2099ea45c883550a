"""Every error the package raises, drawn as a tree.

HttpTaskError
├── DefinitionError              a file is wrong; the call cannot help
│   ├── TemplateInvalid          a template, provider or schema file
│   ├── WorkflowInvalid          a workflow file
│   ├── CassetteInvalid          a cassette, or where one is to be written
│   ├── UnsupportedStyle         an OpenAPI style or body kind without an encoder yet
│   ├── UnknownTask              no template has this id
│   └── ImportFailed             what was made elsewhere, such as a curl command, cannot become a template
├── UsageError                   the call is wrong; the files are fine
│   ├── InputInvalid             inputs do not match the task's input schema
│   ├── RenderError              a value that would change the request's shape
│   ├── ExpressionError          an expression that cannot be evaluated
│   │   ├── WithheldValue        it reads what the journal did not keep
│   │   ├── AnswerLost           it reads what only a lost answer could tell
│   │   ├── TooManyItems         it reads a list that only a forEach can take
│   │   └── TooManyResults       it reads more outputs of a forEach than can be held
│   ├── RequestChanged           a resumed call would send another request than before
│   ├── ExpectationInvalid       an expectation that can never be judged
│   └── ConfigurationError       no connection, or one that cannot be used
│       └── NoConnection         no source speaks of one
├── TransportError               no complete answer; carries the phase reached
│   ├── ConnectFailed            name lookup, connect or proxy tunnel
│   ├── TimedOut                 a deadline passed
│   ├── ConnectionLost           the peer closed or reset
│   ├── TlsFailed                certificate, host name or handshake
│   └── EgressRefused            we refused to talk to that address
├── PagingError                  an answer is no page of a list, or names no next one that can be asked for
├── JournalError                 the journal of runs cannot be read or written; nothing is sent without it
├── ReplayMiss                   a replayed request that the cassette has no answer for; the replay ends there
├── CredentialError              no credential could be got; the runner makes an Outcome of it
└── TaskFailed                   an Outcome that did not succeed, raised by `unwrap()`
KeyboardInterrupt
└── Interrupted                  Ctrl-C during a task, with the outcome known so far

Definition and usage errors are raised before anything is sent and mean exit code 2. Classes carry data; text is made in
`__str__`. Messages never hold a value given by the caller: a value may be a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from httptask.outcome import Outcome, Phase


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (`file:line:column` or a JSON path), what, and how to mend it."""

    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return the one-line form shared by command line, page and engines."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text

    def to_json(self) -> dict[str, str]:
        """Return the JSON form of contracts: `{where, message, hint}`."""
        return {"where": self.where, "message": self.message, "hint": self.hint}


class HttpTaskError(Exception):
    """Root of everything the package raises on purpose."""

    @property
    def kind(self) -> str:
        """Name of the error in JSON: the class name in camelCase."""
        name = type(self).__name__
        return name[0].lower() + name[1:]


class ProblemsError(HttpTaskError):
    """An error that reports every problem found, not only the first."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        """Keep the problems in the order found."""
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Return one line per problem."""
        return "\n".join(str(problem) for problem in self.problems)


class DefinitionError(ProblemsError):
    """A definition file is wrong."""


class TemplateInvalid(DefinitionError):
    """A template, provider or schema file is wrong."""


class WorkflowInvalid(DefinitionError):
    """A workflow file is wrong."""


class CassetteInvalid(DefinitionError):
    """A cassette is wrong, or cannot stand where it is to be written."""


class UnsupportedStyle(DefinitionError):
    """An OpenAPI parameter style or body kind that has no encoder yet."""


class UnknownTask(DefinitionError):
    """No template has the id that was asked for."""


class ImportFailed(DefinitionError):
    """What was made elsewhere, such as a curl command, cannot become a template; messages hold none of its values."""


class UsageError(ProblemsError):
    """The call is wrong: nothing was sent."""


class InputInvalid(UsageError):
    """Inputs do not match the task's or the workflow's input schema."""


class RenderError(UsageError):
    """A value would leave its slot: another path segment, a header break, a body where none is allowed."""


class ExpressionError(UsageError):
    """An expression cannot be evaluated: an undefined name, a wrong type, a result too large."""


class RequestChanged(UsageError):
    """A resumed call would send another request than the one that may have been applied."""


class WithheldValue(ExpressionError):
    """An expression reads a value that may not be shown and was therefore not kept in the journal."""

    def __init__(self, name: str) -> None:
        """Keep the name of the value, as in `steps.login.outputs.token`."""
        self.name = name
        spelled = name.removeprefix("steps.").replace(".outputs.", ".", 1)
        hint = f"give it again to `httptask resume` with --output STEP.NAME=env:VARIABLE, where STEP.NAME is {spelled}"
        super().__init__(Problem(name, "this value was withheld from the journal, because it may not be stored", hint))


class AnswerLost(ExpressionError):
    """An expression wants what only the answer could tell; it was lost, though the request was found to have been applied."""

    def __init__(self, name: str) -> None:
        """Keep the name of the value."""
        hint = "let the task's own outputs tell it: its verify rule finds them"
        super().__init__(Problem(name, "the answer that would tell this was lost", hint))


class TooManyItems(ExpressionError):
    """An expression wants a whole list that is too long to be held; a `forEach` reads it from the journal."""

    def __init__(self, name: str) -> None:
        """Keep the name of the list."""
        hint = f"write forEach: '{{{{ {name} }}}}', which takes the items one by one, or raise the step's paginate.maxItems"
        super().__init__(Problem(name, "this list is too long to be held by an expression", hint))


class TooManyResults(ExpressionError):
    """An expression wants the outputs of a `forEach` over a list that was too long to be held."""

    def __init__(self, name: str) -> None:
        """Keep the name of the outputs."""
        hint = "do what is needed within the forEach, or read them with `httptask runs show RUN --items STEP`"
        super().__init__(Problem(name, "there are too many outputs to be held", hint))


class ExpectationInvalid(UsageError):
    """An expectation that can never be judged."""


class ConfigurationError(UsageError):
    """No connection, or one that cannot be used: a missing credential, two sources mixed, a bad base URL."""


class NoConnection(ConfigurationError):
    """No source speaks of a connection; what there is is not broken."""


class TransportError(HttpTaskError):
    """No complete answer. `phase` says how far the attempt came, which decides whether it may be repeated.

    Attributes:
        code: machine word for what happened, one of the closed set in `httptask.outcome.FailureKind`'s transport part.
        phase: `notSent` or `sentWithoutAnswer`, measured by the transport, never guessed from the exception type.
        detail: what the library below said, free of caller values.

    """

    def __init__(self, detail: str, *, phase: Phase, code: str) -> None:
        """Keep the facts; the text is made in `__str__`."""
        self.detail = detail
        self.phase: Phase = phase
        self.code = code
        super().__init__(detail, phase, code)

    def __str__(self) -> str:
        """Return what happened, without the phase."""
        return self.detail


class ConnectFailed(TransportError):
    """Nothing was sent: name lookup, connect or proxy tunnel failed. Codes: `dns`, `refused`, `unreachable`, `proxy`."""


class TimedOut(TransportError):
    """A time limit passed. Codes: `connectTimeout`, `readTimeout`, `deadline`."""


class ConnectionLost(TransportError):
    """The peer closed or reset the connection. Code: `connectionLost`, or `protocolError` for an answer that is not HTTP."""


class TlsFailed(TransportError):
    """TLS did not come up. Codes: `tlsCertificate` (never retried) and `tlsHandshake` (cut off; nothing was sent)."""


class EgressRefused(TransportError):
    """The address or URL is not allowed; nothing was sent. Codes: `egressRefused`, `invalidUrl`."""


class JournalError(ProblemsError):
    """The journal cannot be read or written, or a run in it cannot be used; nothing is sent without a record of it."""


class ReplayMiss(ProblemsError):
    """A replayed request has no answer in the cassette. No outcome and no retry: nothing was sent, and nothing can follow.

    Its problems tell the request and what differs from the nearest one that was recorded, secrets masked.
    """


class PagingError(ProblemsError):
    """An answer cannot be read as a page of a list, or its next page not be asked for; becomes a failed `Outcome`."""


class CredentialError(HttpTaskError):
    """No credential could be got, so that the task's request was not sent. Becomes a failed `Outcome`, not an exception.

    Attributes:
        message: what went wrong, without a secret.
        hint: how to mend it.
        code: the word of the token endpoint (RFC 6749 section 5.2), such as `invalid_client`, or of the transport.
        retryable: the same may work later: the endpoint could not be reached, or said 429 or 5xx.
        retry_after: seconds, when the endpoint named a wait.
        out_of_time: it would have been asked for again, had there been more time.

    """

    def __init__(  # noqa: PLR0913 - each is one fact of the failure
        self,
        message: str,
        *,
        hint: str = "",
        code: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        out_of_time: bool = False,
    ) -> None:
        """Keep the facts; the text is made in `__str__`."""
        self.out_of_time = out_of_time
        self.message = message
        self.hint = hint
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after
        super().__init__(message, hint, code)

    def __str__(self) -> str:
        """Return the one-line form that problems have."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class TaskFailed(HttpTaskError):
    """A task that did not succeed, with its whole outcome."""

    def __init__(self, outcome: Outcome) -> None:
        """Keep the outcome."""
        self.outcome = outcome
        super().__init__(outcome)

    def __str__(self) -> str:
        """Return the failure's message and hint."""
        failure = self.outcome.failure
        if failure is None:
            return f"{self.outcome.task}: {self.outcome.status}"
        hint = f" ({failure.hint})" if failure.hint else ""
        return f"{self.outcome.task}: {self.outcome.status}: {failure.message}{hint}"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while a task ran, with what was known by then: an unsafe request in flight is `unknown`."""

    def __init__(self, outcome: Outcome) -> None:
        """Keep the outcome."""
        self.outcome = outcome
        super().__init__(outcome.task)
