import gzip
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from httptask.clock import FakeClock
from httptask.sandbox.core import MAX_BODY, Sandbox
from httptask.sandbox.options import FaultRule, RateLimit, SandboxOptions
from httptask.sandbox.routes import ROUTES
from httptask.sandbox.seed import AGENT_TYPES
from httptask.sandbox.state import TRANSITIONS
from httptask.sandbox.wire import SandboxRequest

POOLS = "/api/v1/agentPools"
WEEKLY = {"cron": "0 3 * * WED", "delay": 0, "duration": 1020, "timezone": "Asia/Calcutta"}
MANY = RateLimit(10**6, 60)


class Client:
    def __init__(self, **options):
        self.clock = FakeClock()
        self.sandbox = Sandbox(SandboxOptions(**{"rate_limit": MANY, **options}), clock=self.clock)
        self.token = "SSWS sandbox-token"
        self.last = None

    def call(self, method, target, value=None, *, body=None, headers=()):
        content = json.dumps(value).encode() if value is not None else body or b""
        kind = (("Content-Type", "application/json"),) if content else ()
        token = (("Authorization", self.token),) if self.token else ()
        fields = (*token, *(pair for pair in kind if "content-type" not in dict(headers)), *headers)
        self.last = self.sandbox.handle(SandboxRequest(method, target, fields, content, "http://here"))
        return self.last.status, json.loads(self.last.body) if self.last.body else None

    def header(self, name):
        return [value for key, value in self.last.headers if key == name]

    def ad_pool(self, status=None):
        _, pools = self.call("GET", f"{POOLS}?poolType=AD&limitPerPoolType=50")
        return next(pool for pool in pools if status in (None, pool["operationalStatus"]))

    def create(self, pool=None, **fields):
        pool = pool or self.ad_pool()
        agents = [{"id": agent["id"], "poolId": pool["id"]} for agent in pool["agents"]]
        value = {"name": "update", "agentType": pool["type"], "agents": agents, **fields}
        self.call("POST", f"{POOLS}/{pool['id']}/updates", value)
        update = json.loads(self.last.body)
        return f"{POOLS}/{pool['id']}/updates/{update.get('id')}", update


@pytest.fixture
def client():
    return Client()


def causes(error):
    return [cause["errorSummary"] for cause in error["errorCauses"]]


def test_the_seed_has_pools_of_every_type_and_two_ad_pools_that_are_not_operational(client):
    _, pools = client.call("GET", f"{POOLS}?limitPerPoolType=50")
    assert len(pools) >= 12
    assert {pool["type"] for pool in pools} == set(AGENT_TYPES)
    ad = [pool["operationalStatus"] for pool in pools if pool["type"] == "AD"]
    assert sorted(status for status in ad if status != "OPERATIONAL") == ["DEGRADED", "DISRUPTED"]
    assert len(ad) >= 3


def test_ids_look_like_the_real_ones(client):
    pool = client.ad_pool()
    _, update = client.create()
    assert re.fullmatch("0oa[A-Za-z0-9]{17}", pool["id"])
    assert re.fullmatch("a53[A-Za-z0-9]{17}", pool["agents"][0]["id"])
    assert re.fullmatch("ajd[A-Za-z0-9]{17}", update["id"])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ids():
    first, second, other = Client(), Client(), Client(seed=2)
    for client in (first, second, other):
        client.call("GET", POOLS)
    assert first.last == second.last
    assert first.ad_pool()["id"] != other.ad_pool()["id"]
    assert first.create()[1] == second.create()[1]


def test_a_pool_carries_what_was_seen_in_real_answers_and_in_no_document(client):
    pool = client.ad_pool("DEGRADED")
    assert (pool["disruptedAgents"], pool["inactiveAgents"], pool["operationalAgents"]) == (1, 0, 1)
    assert pool["_links"] == {}
    agent = pool["agents"][0]
    assert agent["latestGAedVersion"] is agent["isLatestGAedVersion"] is False
    assert isinstance(agent["lastConnection"], int)
    assert agent["poolId"] == pool["id"]
    assert "updateStatus" not in agent


def test_a_page_holds_so_many_pools_per_type_and_links_to_the_next(client):
    _, first = client.call("GET", f"{POOLS}?limitPerPoolType=4&poolType=AD")
    links = client.header("link")
    assert len(first) == 4
    assert links[0] == '<http://here/api/v1/agentPools?limitPerPoolType=4&poolType=AD>; rel="self"'
    following = re.fullmatch(
        r'<http://here(/api/v1/agentPools\?after=[^&]+%3D&limitPerPoolType=4&poolType=AD)>; rel="next"', links[1]
    )
    _, second = client.call("GET", following[1])
    assert len(second) == 3
    assert len(client.header("link")) == 1
    assert not {pool["id"] for pool in first} & {pool["id"] for pool in second}


def test_following_every_page_gives_every_pool_once(client):
    _, everything = client.call("GET", f"{POOLS}?limitPerPoolType=50")
    target, seen = f"{POOLS}?limitPerPoolType=1", []
    for _ in range(20):
        _, page = client.call("GET", target)
        seen += page
        following = [link for link in client.header("link") if 'rel="next"' in link]
        if not following:
            break
        target = following[0].partition(">")[0].removeprefix("<http://here")
    assert sorted(pool["id"] for pool in seen) == sorted(pool["id"] for pool in everything)
    assert len(client.header("link")) == 1


def test_five_pools_per_type_are_given_unless_asked_otherwise(client):
    _, pools = client.call("GET", POOLS)
    assert sum(pool["type"] == "AD" for pool in pools) == 5
    assert sum(pool["type"] == "LDAP" for pool in pools) == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("after=bad", "E0000029"),
        ("after=", "E0000029"),
        ("after=NTo1", "E0000029"),
        ("after=%FF", "E0000029"),
        ("poolType=Nope", "E0000037"),
        ("poolType=ad", "E0000037"),
        ("limitPerPoolType=0", "E0000001"),
        ("limitPerPoolType=-1", "E0000001"),
        ("limitPerPoolType=", "E0000001"),
        ("limitPerPoolType=%D9%A1", "E0000001"),
        ("limitPerPoolType=99999999999999999999", "E0000001"),
    ],
)
def test_a_bad_query_is_refused(client, query, code):
    status, error = client.call("GET", f"{POOLS}?{query}")
    assert (status, error["errorCode"]) == (400, code)


@pytest.mark.parametrize(
    "header",
    [None, "SSWS wrong", "Basic sandbox-token", "sandbox-token", "SSWS", "SSWS ", "Bearersandbox-token", "Bearer s\xe4ndbox"],
)
def test_a_wrong_credential_is_refused(client, header):
    client.token = header
    status, error = client.call("GET", POOLS)
    assert (status, error["errorCode"], error["errorSummary"]) == (401, "E0000011", "Invalid token provided")


@pytest.mark.parametrize("header", ["SSWS other", "SSWSother", "ssws other"])
def test_the_api_token_goes_with_its_scheme_in_the_spellings_that_real_servers_take(header):
    client = Client(token="other")
    client.token = header
    assert client.call("GET", POOLS)[0] == 200


def test_an_error_has_oktas_shape(client):
    _, error = client.call("GET", f"{POOLS}/nope/updates/settings")
    assert error.pop("errorId").startswith("oae")
    assert error == {
        "errorCode": "E0000007",
        "errorSummary": "Not found: Resource not found: nope (AppInstance)",
        "errorLink": "E0000007",
        "errorCauses": [],
    }


def test_every_answer_carries_the_headers_of_real_ones(client):
    client.call("GET", POOLS)
    assert client.header("date") == ["Tue, 14 Nov 2023 22:13:20 GMT"]
    assert client.header("content-type") == ["application/json"]
    assert client.header("cache-control") == ["no-cache, no-store"]
    assert client.header("expires") == ["0"]
    assert len(client.header("set-cookie")) == 2
    assert re.fullmatch("[0-9a-f]{32}", client.header("x-okta-request-id")[0])
    first = client.header("x-okta-request-id")
    client.call("GET", "/nowhere")
    assert client.header("x-okta-request-id") != first


@pytest.mark.parametrize("accept", ["gzip", "deflate, gzip;q=0.5", "GZIP"])
def test_an_answer_is_compressed_when_that_is_accepted(client, accept):
    client.call("GET", POOLS)
    plain = client.last.body
    reply = client.sandbox.handle(SandboxRequest("GET", POOLS, (("Authorization", client.token), ("Accept-Encoding", accept))))
    assert ("content-encoding", "gzip") in reply.headers
    assert gzip.decompress(reply.body).replace(b"http://localhost", b"http://here") == plain


@pytest.mark.parametrize("accept", ["", "identity", "gzip;q=0", "xgzip"])
def test_an_answer_is_plain_when_gzip_is_not_accepted(client, accept):
    client.call("GET", POOLS, headers=(("Accept-Encoding", accept),))
    assert client.header("content-encoding") == []


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/agentPool", f"{POOLS}/", f"{POOLS}/x", f"{POOLS}//updates", f"{POOLS}/x/updates/y/launch"]
)
def test_an_unknown_path_is_not_found(client, path):
    status, error = client.call("GET", path)
    assert (status, error["errorCode"]) == (404, "E0000008")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", POOLS, "GET"),
        ("HEAD", POOLS, "GET"),
        ("DELETE", f"{POOLS}/x/updates/settings", "GET, POST"),
        ("PATCH", f"{POOLS}/x/updates/y", "GET, POST, DELETE"),
        ("GET", f"{POOLS}/x/updates/y/activate", "POST"),
    ],
)
def test_a_method_that_a_path_does_not_have_is_refused(client, method, path, allow):
    status, error = client.call(method, path)
    assert (status, error["errorCode"]) == (405, "E0000022")
    assert client.header("allow") == [allow]


def test_there_are_fourteen_operations_and_settings_come_before_update_ids():
    keys = [route.key for route in ROUTES]
    assert len(set(keys)) == 14
    for method in ("GET", "POST"):
        settings = keys.index(f"{method} {POOLS}/{{poolId}}/updates/settings")
        assert settings < keys.index(f"{method} {POOLS}/{{poolId}}/updates/{{updateId}}")


def test_an_encoded_slash_in_an_id_separates_nothing(client):
    status, error = client.call("GET", f"{POOLS}/x/updates/a%2Fb")
    assert (status, error["errorSummary"]) == (404, "Not found: Resource not found: a/b (AgentPoolUpdate)")


def test_the_updates_of_an_unknown_pool_are_an_empty_list(client):
    assert client.call("GET", f"{POOLS}/nope/updates") == (200, [])


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", "settings"),
        ("GET", "ajd"),
        ("DELETE", "ajd"),
        *(("POST", f"ajd/{action}") for action in TRANSITIONS),
    ],
)
def test_an_unknown_pool_or_update_is_not_found(client, method, rest):
    status, error = client.call(method, f"{POOLS}/nope/updates/{rest}")
    assert (status, error["errorCode"]) == (404, "E0000007")


def test_an_update_is_not_found_under_another_pool(client):
    path, update = client.create(schedule=WEEKLY)
    other = client.ad_pool("DISRUPTED")["id"]
    assert client.call("GET", path)[0] == 200
    assert client.call("GET", f"{POOLS}/{other}/updates/{update['id']}")[0] == 404


def test_creating_requires_more_than_the_document_says(client):
    status, error = client.call("POST", f"{POOLS}/nope/updates", {"enabled": True})
    assert (status, error["errorCode"], error["errorSummary"]) == (400, "E0000001", "Api validation failed: name")
    assert causes(error) == ["errors in the field: name", "errors in the field: agentType", "errors in the field: agentList"]


def test_a_valid_update_of_an_unknown_pool_is_not_found(client):
    value = {"name": "n", "agentType": "AD", "agents": [{"id": "a"}]}
    assert client.call("POST", f"{POOLS}/nope/updates", value)[0] == 404


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"name": 5}, "name"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"agentType": "ad"}, "agentType"),
        ({"agentType": "LDAP"}, "agentType"),
        ({"agents": []}, "agentList"),
        ({"agents": {"id": "a"}}, "agentList"),
        ({"agents": [{"id": 5}]}, "agentList"),
        ({"agents": [{"id": "a53nobody"}]}, "agentList"),
        ({"enabled": "true"}, "enabled"),
        ({"notifyAdmin": 1}, "notifyAdmin"),
        ({"sortOrder": True}, "sortOrder"),
        ({"sortOrder": 2**40}, "sortOrder"),
        ({"schedule": []}, "schedule"),
        ({"schedule": {"cron": 5}}, "schedule"),
        ({"schedule": {"duration": "20"}}, "schedule"),
        ({"status": "Completed"}, "status"),
        ({"targetVersion": 3}, "targetVersion"),
    ],
)
def test_a_wrong_type_or_value_is_refused_by_its_field(client, fields, cause):
    _, error = client.create(**fields)
    assert client.last.status == 400
    assert causes(error) == [f"errors in the field: {cause}"]


@pytest.mark.parametrize(
    "body", [b"{", b"", b"[]", b'"x"', b"\xff", b'{"name": NaN}', b"[" * 100_000, b'{"name": "\\ud800"}', b"9" * 5000]
)
def test_a_body_that_is_not_a_json_object_is_refused(client, body):
    headers = (("content-type", "application/json"),)
    status, error = client.call("POST", f"{POOLS}/x/updates", body=body, headers=headers)
    assert (status, error["errorCode"]) == (400, "E0000003")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_refused(client, content_type):
    status, error = client.call("POST", f"{POOLS}/x/updates", body=b"{}", headers=(("content-type", content_type),))
    assert (status, error["errorCode"]) == (400, "E0000021")


def test_a_charset_in_the_content_type_is_accepted(client):
    client.call("POST", f"{POOLS}/x/updates", body=b"{}", headers=(("content-type", "application/json; charset=utf-8"),))
    assert json.loads(client.last.body)["errorCode"] == "E0000001"


def test_a_body_over_a_megabyte_is_refused(client):
    status, _ = client.call("POST", f"{POOLS}/x/updates", body=b" " * (MAX_BODY + 1))
    assert status == 413


def test_the_recorded_create_is_answered_as_it_was_recorded(client):
    pool = client.ad_pool()
    agents = [{"id": pool["agents"][0]["id"], "poolId": pool["id"]}]
    fields = {"enabled": False, "notifyAdmin": True, "reason": "", "schedule": WEEKLY, "sortOrder": 0, "targetVersion": ""}
    _, update = client.create(pool, agents=agents, name="schedule_test", **fields)
    assert client.last.status == 200
    agent = pool["agents"][0] | {"updateStatus": "Scheduled", "updateMessage": "Queued for update."}
    assert update == {
        "id": update["id"],
        "name": "schedule_test",
        "agentType": "AD",
        "agents": [agent],
        "enabled": False,
        "schedule": {"cron": "0 3 * * WED", "timezone": "Asia/Calcutta", "duration": 1020},
        "notifyAdmin": True,
        "status": "Scheduled",
        "targetVersion": "3.22.0",
        "_links": {},
    }


def test_what_says_something_is_echoed(client):
    _, update = client.create(reason="why", sortOrder=3, targetVersion="3.20.0", schedule={**WEEKLY, "delay": 2})
    assert (update["reason"], update["sortOrder"], update["targetVersion"]) == ("why", 3, "3.20.0")
    assert update["schedule"]["delay"] == 2


def test_updates_are_listed_by_whether_they_are_scheduled(client):
    _, scheduled = client.create(schedule=WEEKLY)
    path, at_once = client.create()
    updates = path.rpartition("/")[0]
    listed = {
        query: [u["id"] for u in client.call("GET", updates + query)[1]] for query in ("", "?scheduled=true", "?scheduled=false")
    }
    assert listed == {
        "": [scheduled["id"], at_once["id"]],
        "?scheduled=true": [scheduled["id"]],
        "?scheduled=false": [at_once["id"]],
    }
    assert client.call("GET", f"{updates}?scheduled=True")[0] == 400


def test_editing_an_update_changes_what_is_given_and_not_its_status(client):
    path, update = client.create(schedule=WEEKLY)
    status, edited = client.call("POST", path, {"schedule": {**WEEKLY, "cron": "0 3 * * MON"}, "status": "Success", "id": "mine"})
    assert status == 200
    assert edited == update | {"schedule": update["schedule"] | {"cron": "0 3 * * MON"}}
    assert client.call("GET", path) == (200, edited)


def test_the_agents_of_an_update_can_be_changed_within_its_pool(client):
    path, update = client.create(client.ad_pool("DEGRADED"), schedule=WEEKLY)
    _, edited = client.call("POST", path, {"agents": [{"id": update["agents"][1]["id"]}]})
    assert [agent["id"] for agent in edited["agents"]] == [update["agents"][1]["id"]]
    assert client.call("POST", path, {"agents": [{"id": "a53nobody"}]})[0] == 400


def test_a_deleted_update_is_gone(client):
    path, _ = client.create(schedule=WEEKLY)
    assert client.call("DELETE", path) == (204, None)
    assert client.header("content-type") == []
    assert client.call("GET", path)[0] == 404
    assert client.call("DELETE", path)[0] == 404


def test_settings_are_kept_per_pool(client):
    pool = client.ad_pool()
    path = f"{POOLS}/{pool['id']}/updates/settings"
    _, before = client.call("GET", path)
    assert before == {
        "agentType": "AD",
        "continueOnError": False,
        "latestVersion": "3.22.0",
        "minimalSupportedVersion": "3.19.0",
        "poolId": pool["id"],
        "poolName": pool["name"],
        "releaseChannel": "GA",
    }
    status, after = client.call("POST", path, {"agentType": "AD", "continueOnError": True, "releaseChannel": "EA", "poolId": "x"})
    assert (status, after) == (200, before | {"continueOnError": True, "releaseChannel": "EA"})
    assert client.call("GET", path) == (200, after)


@pytest.mark.parametrize("value", [{}, {"agentType": "LDAP"}, {"agentType": "nope"}, {"agentType": 5}])
def test_settings_require_the_pools_agent_type(client, value):
    status, error = client.call("POST", f"{POOLS}/{client.ad_pool()['id']}/updates/settings", value)
    assert (status, causes(error)) == (400, ["errors in the field: agentType"])


@pytest.mark.parametrize(("statuses", "status"), [("recorded", 200), ("spec", 201)])
def test_posts_answer_200_as_recorded_or_201_as_documented(statuses, status):
    client = Client(statuses=statuses)
    path, _ = client.create(schedule=WEEKLY)
    assert client.last.status == status
    assert client.call("POST", path, {"name": "other"})[0] == status
    settings = path.rpartition("/")[0] + "/settings"
    assert client.call("POST", settings, {"agentType": "AD"})[0] == status
    for action in ("activate", "pause", "resume", "stop", "retry"):
        assert client.call("POST", f"{path}/{action}")[0] == status
    assert client.call("DELETE", path)[0] == 204
    path, _ = client.create(schedule=WEEKLY)
    assert client.call("POST", f"{path}/deactivate")[0] == status


WAYS = {
    "Scheduled": [],
    "InProgress": ["activate"],
    "Paused": ["activate", "pause"],
    "Cancelled": ["deactivate"],
    "Success": ["activate", 2],
    "Failed": ["activate", 2],
}


def client_with_update_in(status):
    client = Client()
    pool = client.ad_pool("DISRUPTED" if status == "Failed" else "OPERATIONAL")
    path, _ = client.create(pool, schedule=WEEKLY)
    for step in WAYS[status]:
        client.clock.advance(step) if isinstance(step, int) else client.call("POST", f"{path}/{step}")
    assert client.call("GET", path)[1]["status"] == status
    return client, path


@pytest.mark.parametrize("status", WAYS)
@pytest.mark.parametrize("action", ["activate", "deactivate", "pause", "resume", "retry", "stop"])
def test_a_lifecycle_call_moves_an_update_as_the_table_says_or_is_refused(status, action):
    allowed = {
        ("Scheduled", "activate"): "InProgress",
        ("Scheduled", "deactivate"): "Cancelled",
        ("InProgress", "pause"): "Paused",
        ("InProgress", "stop"): "Cancelled",
        ("Paused", "resume"): "InProgress",
        ("Paused", "stop"): "Cancelled",
        ("Failed", "retry"): "InProgress",
        ("Cancelled", "retry"): "InProgress",
    }
    client, path = client_with_update_in(status)
    answer, value = client.call("POST", f"{path}/{action}")
    if (status, action) in allowed:
        assert (answer, value["status"]) == (200, allowed[status, action])
    else:
        assert (answer, value["errorCode"]) == (400, "E0000001")
        assert client.call("GET", path)[1]["status"] == status


def test_without_a_schedule_an_update_starts_at_once_and_ends_in_success(client):
    pool = client.ad_pool("DEGRADED")
    path, update = client.create(pool)
    assert update["status"] == "InProgress"
    client.clock.advance(1.9)
    assert client.call("GET", path)[1]["status"] == "InProgress"
    client.clock.advance(0.1)
    _, done = client.call("GET", path)
    assert done["status"] == "Success"
    assert {agent["updateStatus"] for agent in done["agents"]} == {"Success"}
    after = next(found for found in client.call("GET", POOLS)[1] if found["id"] == pool["id"])
    assert after["operationalStatus"] == "OPERATIONAL"
    assert {agent["version"] for agent in after["agents"]} == {"3.22.0"}
    assert all(agent["isLatestGAedVersion"] for agent in after["agents"])


def test_exactly_one_agent_fails_its_first_update_and_then_succeeds(client):
    _, pools = client.call("GET", f"{POOLS}?limitPerPoolType=50")
    paths = [client.create(pool)[0] for pool in pools]
    client.clock.advance(2)
    ended = {path: client.call("GET", path)[1] for path in paths}
    failed = [path for path in paths if ended[path]["status"] == "Failed"]
    assert [update["status"] for update in ended.values()].count("Success") == len(paths) - 1
    assert len(failed) == 1
    assert ended[failed[0]]["reason"] == "Update failed."
    assert [agent["updateStatus"] for agent in ended[failed[0]]["agents"]] == ["Failed", "Success"]
    assert ended[failed[0]]["agents"][0]["operationalStatus"] == "DISRUPTED"
    _, retried = client.call("POST", f"{failed[0]}/retry")
    assert (retried["status"], retried.get("reason")) == ("InProgress", None)
    client.clock.advance(2)
    assert client.call("GET", failed[0])[1]["status"] == "Success"


def test_a_paused_update_does_not_progress(client):
    path, _ = client.create(client.ad_pool())
    client.clock.advance(1.5)
    client.call("POST", f"{path}/pause")
    client.clock.advance(100)
    assert client.call("GET", path)[1]["status"] == "Paused"
    client.call("POST", f"{path}/resume")
    client.clock.advance(0.4)
    assert client.call("GET", path)[1]["status"] == "InProgress"
    client.clock.advance(0.1)
    assert client.call("GET", path)[1]["status"] == "Success"


def test_a_scheduled_update_waits_until_it_is_activated_and_says_when_it_ended(client):
    path, _ = client.create(client.ad_pool(), schedule=WEEKLY)
    client.clock.advance(1000)
    assert client.call("GET", path)[1]["status"] == "Scheduled"
    client.call("POST", f"{path}/activate")
    client.clock.advance(5)
    assert client.call("GET", path)[1]["schedule"]["lastUpdated"] == "2023-11-14T22:30:02.000Z"


def test_speed_shortens_updates():
    client = Client(speed=20)
    path, _ = client.create(client.ad_pool())
    client.clock.advance(0.1)
    assert client.call("GET", path)[1]["status"] == "Success"


def limits(client):
    return tuple(int(client.header(f"x-rate-limit-{name}")[0]) for name in ("limit", "remaining", "reset"))


def test_the_first_request_opens_a_window_for_all_paths_and_every_answer_counts():
    client = Client(rate_limit=RateLimit(4, 60))
    client.clock.advance(0.7)
    reset = 1_700_000_060
    assert client.call("GET", POOLS)[0] == 200
    assert limits(client) == (4, 3, reset)
    client.clock.advance(10)
    assert client.call("GET", f"{POOLS}/x/updates/settings")[0] == 404
    assert limits(client) == (4, 2, reset)
    assert client.call("POST", f"{POOLS}/x/updates", {})[0] == 400
    assert limits(client) == (4, 1, reset)
    client.token = "SSWS wrong"
    assert client.call("GET", POOLS)[0] == 401
    assert limits(client) == (4, 0, reset)
    client.token = "SSWS sandbox-token"
    status, error = client.call("GET", POOLS)
    assert (status, error["errorCode"], error["errorCauses"]) == (429, "E0000047", [])
    assert limits(client) == (4, 0, reset)
    assert client.header("retry-after") == []


def test_the_window_ends_at_its_reset_second():
    client = Client(rate_limit=RateLimit(1, 2))
    client.call("GET", POOLS)
    client.clock.advance(1.99)
    assert client.call("GET", POOLS)[0] == 429
    client.clock.advance(0.01)
    assert client.call("GET", POOLS)[0] == 200
    assert limits(client) == (1, 0, 1_700_000_004)


def test_other_paths_are_outside_the_limit():
    client = Client(rate_limit=RateLimit(1, 60))
    for _ in range(3):
        assert client.call("GET", "/api/v1/users")[0] == 404
    assert client.header("x-rate-limit-limit") == []


def test_faults_are_played_in_order_and_then_the_server_is_well():
    client = Client(faults=(FaultRule.parse("503x2, ok, 429(Retry-After=7)"),))
    assert [client.call("GET", POOLS)[0] for _ in range(6)] == [503, 503, 200, 429, 200, 200]


def test_a_status_fault_has_oktas_body_its_own_headers_and_no_counters():
    client = Client(faults=(FaultRule.parse("429(Retry-After=7; Content-Type=text/plain), 500, 204"),))
    _, error = client.call("GET", POOLS)
    assert error["errorCode"] == "E0000047"
    assert client.header("Retry-After") == ["7"]
    assert client.header("content-type") == []
    assert client.header("Content-Type") == ["text/plain"]
    assert client.header("date") == ["Tue, 14 Nov 2023 22:13:20 GMT"]
    assert client.header("x-rate-limit-limit") == []
    assert client.call("GET", POOLS)[1]["errorCode"] == "E0000009"
    assert client.call("GET", POOLS) == (204, None)
    client.call("GET", POOLS)
    assert limits(client)[:2] == (MANY.limit, MANY.limit - 1)


def test_html_comes_with_status_200():
    client = Client(faults=(FaultRule.parse("html"),))
    reply = client.sandbox.handle(SandboxRequest("GET", POOLS))
    assert reply.status == 200
    assert dict(reply.headers)["content-type"].startswith("text/html")
    assert reply.body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("script", "applied"),
    [
        ("ok", 1),
        ("503", 0),
        ("html", 0),
        ("reset-before", 0),
        ("reset-after", 1),
        ("truncated", 1),
        ("slow(1s)", 1),
        ("read-timeout", 1),
    ],
)
def test_a_fault_says_whether_the_request_was_applied(client, script, applied):
    pool = client.ad_pool()
    client.call("POST", "/_sandbox/faults", {"match": "POST /api/v1/agentPools/*/updates", "script": script})
    agents = [{"id": pool["agents"][0]["id"]}]
    value = {"name": "n", "agentType": "AD", "agents": agents}
    request = SandboxRequest(
        "POST",
        f"{POOLS}/{pool['id']}/updates",
        (("Authorization", client.token), ("Content-Type", "application/json")),
        json.dumps(value).encode(),
    )
    reply = client.sandbox.handle(request)
    assert str(reply.fault or "ok") == script or applied == 0
    assert len(client.call("GET", f"{POOLS}/{pool['id']}/updates")[1]) == applied
    _, log = client.call("GET", "/_sandbox/requests")
    assert log["applied"].get("POST /api/v1/agentPools/{poolId}/updates", 0) == applied
    assert log["received"][1]["applied"] is bool(applied)


def test_an_answer_without_a_body_cannot_be_truncated_and_is_lost_instead(client):
    path, _ = client.create(schedule=WEEKLY)
    client.call("POST", "/_sandbox/faults", {"match": "DELETE", "script": "truncated"})
    client.call("DELETE", path)
    assert client.last.fault.kind == "reset-after"
    assert client.call("GET", path)[0] == 404


def test_a_fault_waits_for_a_request_that_matches():
    client = Client(faults=(FaultRule.parse("503", "GET /api/v1/agentPools/*/updates/*"), FaultRule.parse("500", "DELETE")))
    path, _ = client.create(schedule=WEEKLY)
    assert client.call("GET", path)[0] == 503
    assert client.call("GET", path)[0] == 200
    assert client.call("DELETE", path)[0] == 500


def test_faults_can_be_seen_added_and_cleared(client):
    client.token = None
    rules = {"faults": [{"match": "GET /a/*", "remaining": ["503", "slow(2s)"]}]}
    assert client.call("POST", "/_sandbox/faults", {"match": "GET /a/*", "script": "503, slow(2s)"}) == (200, rules)
    assert client.call("GET", "/_sandbox/faults") == (200, rules)
    assert client.call("DELETE", "/_sandbox/faults") == (200, {"faults": []})


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("faults", {"script": "okk"}, "did you mean 'ok'?"),
        ("faults", {"script": "dns"}, "on the client's side"),
        ("faults", {"script": 5}, "not a fault script"),
        ("faults", {"script": "ok", "match": "what"}, "not a matcher"),
        ("faults", [], "not a JSON object"),
        ("clock", {}, "not a time ahead"),
        ("clock", {"advance": -1}, "not a time ahead"),
        ("clock", {"advance": True}, "not a time ahead"),
        ("clock", {"advance": 10**400}, "not a time ahead"),
        ("clock", {"advance": float("nan")}, "not a time ahead"),
    ],
)
def test_a_wrong_control_request_is_explained(client, path, value, says):
    status, answer = client.call("POST", f"/_sandbox/{path}", value)
    problem = answer["error"]["problems"][0]
    assert status == 400
    assert says in problem["message"] + problem["hint"]


def test_the_control_surface_knows_its_paths_and_methods(client):
    assert client.call("GET", "/_sandbox")[0] == 404
    assert client.call("GET", "/_sandbox/nope")[0] == 404
    assert client.call("PUT", "/_sandbox/clock")[0] == 405
    assert client.header("allow") == ["GET, POST"]
    assert client.call("GET", "/_sandboxes")[1]["errorCode"] == "E0000008"


def test_the_log_holds_every_call_and_what_was_applied(client):
    client.create(schedule=WEEKLY)
    client.call("GET", f"{POOLS}/nope/updates/settings?a=b")
    _, log = client.call("GET", "/_sandbox/requests")
    assert [(entry["method"], entry["status"], entry["applied"]) for entry in log["received"]] == [
        ("GET", 200, True),
        ("POST", 200, True),
        ("GET", 404, False),
    ]
    assert log["received"][2]["path"] == f"{POOLS}/nope/updates/settings"
    assert log["received"][2]["at"] == "2023-11-14T22:13:20.000Z"
    assert log["applied"] == {"GET /api/v1/agentPools": 1, "POST /api/v1/agentPools/{poolId}/updates": 1}


def test_the_log_is_bounded(client):
    for _ in range(1100):
        client.call("GET", "/x" * 600)
    _, log = client.call("GET", "/_sandbox/requests")
    assert len(log["received"]) == 1000
    assert len(log["received"][0]["path"]) == 500


def test_the_clock_can_be_moved_ahead(client):
    path, _ = client.create(client.ad_pool())
    assert client.call("POST", "/_sandbox/clock", {"advance": 60}) == (200, {"now": 1_700_000_060.0, "advanced": 60.0})
    assert client.call("GET", "/_sandbox/clock")[1]["advanced"] == 60
    assert client.call("GET", path)[1]["status"] == "Success"
    assert client.header("date") == ["Tue, 14 Nov 2023 22:14:20 GMT"]


def test_reset_brings_everything_back():
    client = Client(rate_limit=RateLimit(5, 60), faults=(FaultRule.parse("503"),))
    client.call("GET", POOLS)
    first_path, _ = client.create()
    client.call("POST", "/_sandbox/clock", {"advance": 5})
    client.call("POST", "/_sandbox/reset")
    assert client.call("GET", "/_sandbox/requests")[1] == {"received": [], "applied": {}}
    assert client.call("GET", POOLS)[0] == 503
    assert client.call("GET", first_path)[0] == 404
    assert limits(client) == (5, 4, 1_700_000_060)
    assert client.create()[0] == first_path


def test_threads_share_a_sandbox():
    client = Client(rate_limit=RateLimit(100, 60))
    request = SandboxRequest("GET", POOLS, (("Authorization", "SSWS sandbox-token"),))
    with ThreadPoolExecutor(4) as pool:
        statuses = [reply.status for reply in pool.map(client.sandbox.handle, [request] * 200)]
    assert (statuses.count(200), statuses.count(429)) == (100, 100)
