"""`httptask connections`: lists connections, checks one, adds one. No credential is ever shown or taken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from httptask.cli import options
from httptask.cli.console import Console
from httptask.cli.exits import SUCCEEDED
from httptask.cli.listing import list_connections, providers
from httptask.errors import ConfigurationError, Problem
from httptask.settings import SANDBOX_PROVIDER
from httptask.wiring import registry

if TYPE_CHECKING:
    from httptask.model import Provider
    from httptask.registry import Registry


@click.group("connections", short_help="List, check and add connections.", invoke_without_command=True)
@options.templates
@options.as_json
@click.pass_context
def command(context: click.Context, folders: tuple[Path, ...], as_json: bool) -> int:  # noqa: FBT001 - click passes flags so
    """List the connections that there are, without their credentials.

    \b
    Examples:
      httptask connections
      httptask connections check production
      httptask connections add staging --base-url https://acme.oktapreview.com --token env:STAGING_TOKEN
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    if context.invoked_subcommand is not None:
        return SUCCEEDED  # the subcommand's own code takes its place
    return list_connections(folders, Console(json=as_json))


@command.command("list", short_help="List connections, as without a command.")
@options.templates
@options.as_json
def list_(folders: tuple[Path, ...], as_json: bool) -> int:  # noqa: FBT001 - click passes flags so
    """List the connections that there are, without their credentials, as `httptask connections` does."""
    return list_connections(folders, Console(json=as_json))


def named_provider(tasks: Registry, provider: str | None) -> Provider:
    """Return the provider of this id; without one, Okta's, which ships, or the only one there is.

    Raises:
        ConfigurationError: no provider has this id.

    """
    from httptask.suggest import did_you_mean

    known, problems = providers(tasks)
    wanted = provider or (SANDBOX_PROVIDER if SANDBOX_PROVIDER in known else next(iter(known), ""))
    if wanted not in known:
        hint = did_you_mean(wanted, known) or f"known: {', '.join(known)}; --templates names folders with others"
        raise ConfigurationError([Problem("--provider", "no templates of this provider are known", hint), *problems])
    return known[wanted]


@command.command("check", short_help="Prove that a connection works.")
@click.argument("name", required=False)
@click.option("--provider", metavar="ID", help="The API to check without NAME. Default: okta.")
@click.option("--sandbox", is_flag=True, help="Check a local Okta Agent Pools server, started for this command.")
@options.templates
@options.as_json
@options.verbose
def check(name: str | None, folders: tuple[Path, ...], **flags: Any) -> int:
    """Send the one safe request that the provider names, and say what its answer means.

    Without NAME this checks the connection that is used without an option.

    \b
    Example:
      httptask connections check --sandbox
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.cli.checking import check_connection

    tasks = registry(folders)
    provider = named_provider(tasks, flags["provider"] or _provider_of(name))
    console = Console(json=flags["as_json"])
    return check_connection(provider, tasks, name=name, sandbox=flags["sandbox"], told=(console, flags["verbose"]))


def _provider_of(name: str | None) -> str | None:
    from httptask.profiles import provider_of, read_profiles
    from httptask.surroundings import Surroundings

    profiles = (read_profiles(Surroundings.current()) or {}) if name else {}
    return provider_of(profiles.get(name or ""))


@command.command("add", short_help="Write a connection to connections.toml.")
@click.argument("name")
@click.option("--provider", metavar="ID", help="The API that the connection is for. Default: okta.")
@click.option("--base-url", metavar="URL", help="Base URL of the server.")
@click.option(
    "--token",
    metavar="REF",
    help="Reference to the credential: env:NAME, file:PATH (from the working directory) or keyring:SERVICE/NAME.",
)
@click.option("--scheme", metavar="NAME", help="Security scheme of the provider. Default: its first.")
@options.templates
@options.as_json
@options.debug
def add(name: str, folders: tuple[Path, ...], **flags: Any) -> int:
    """Write a connection to connections.toml, asking on a terminal for what is not given.

    It takes a reference to the credential, never the credential itself: an API token, access token or API key. OAuth clients,
    user names with passwords, certificates and all other keys of a profile are written into the file by hand.

    \b
    Example:
      httptask connections add staging --base-url https://acme.oktapreview.com --token env:STAGING_TOKEN
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.cli.adding import Draft, add_connection

    provider = named_provider(registry(folders), flags["provider"])
    draft = Draft(name, flags["base_url"], flags["scheme"], flags["token"])
    add_connection(provider, draft, Console(json=flags["as_json"]))
    return SUCCEEDED
