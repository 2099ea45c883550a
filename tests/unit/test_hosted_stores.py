"""Connections from an engine's own store of credentials."""

import pytest

from httptask.errors import ConfigurationError
from httptask.hosted.stores import from_store
from httptask.loader import Library

OKTA = Library().registry()["okta.list_agent_pools"].provider
VALUES = {"baseUrl": "https://acme.okta.com", "token": "00abcdefgh"}


@pytest.mark.parametrize("more", [{}, {"provider": "okta"}])
def test_a_connection_from_a_store_is_for_its_own_api(more):
    assert from_store(OKTA, "acme", {**VALUES, **more}, place="store").base_url == "https://acme.okta.com"


def test_a_connection_for_another_api_is_refused():
    with pytest.raises(ConfigurationError, match="this connection is for notes and not for okta") as caught:
        from_store(OKTA, "acme", {**VALUES, "provider": "notes"}, place="store")
    assert "00abcdefgh" not in str(caught.value)


def test_a_key_that_no_profile_has_is_refused():
    with pytest.raises(ConfigurationError, match="authScheme"):
        from_store(OKTA, "acme", {**VALUES, "authScheme": "x"}, place="store")
