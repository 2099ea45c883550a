import pytest

from httptask.challenges import Challenge, challenges, missing_scope

OKTA = (
    'Bearer authorization_uri="https://a.okta.com/oauth2/v1/authorize", realm="https://a.okta.com", '
    'scope="okta.agentPools.manage", error="insufficient_scope", error_description="The access token provided does not '
    'contain the required scopes.", resource="/api/v1/agentPools"'
)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        (["Basic"], [("basic", {})]),
        (['Bearer realm="a, b", error=invalid_token'], [("bearer", {"realm": "a, b", "error": "invalid_token"})]),
        (['Basic realm="x", DPoP algs="ES256", error="use_dpop_nonce"'], None),
        (["Basic", "Bearer"], [("basic", {}), ("bearer", {})]),
        ([r'Bearer realm="say \"hi\""'], [("bearer", {"realm": 'say "hi"'})]),
        (["Bearer ERROR = x"], [("bearer", {"error": "x"})]),
        (['Bearer error="a", error="b"'], [("bearer", {"error": "a"})]),
        (['error="a"'], []),
        (['Bearer "', '=,;Bearer realm="'], [("bearer", {}), ("bearer", {}), ("realm", {})]),
    ],
)
def test_challenges_are_read_as_they_are_written(values, expected):
    if expected is None:
        expected = [("basic", {"realm": "x"}), ("dpop", {"algs": "ES256", "error": "use_dpop_nonce"})]
    assert challenges(values) == tuple(Challenge(*pair) for pair in expected)


@pytest.mark.parametrize(
    ("value", "scope"),
    [
        (OKTA, "okta.agentPools.manage"),
        ('Bearer error="insufficient_scope"', ""),
        ('Bearer error="invalid_token", scope="a"', None),
        ('Basic realm="x"', None),
    ],
)
def test_the_scope_that_a_token_lacks_is_found(value, scope):
    assert missing_scope([value]) == scope
