"""The keys of definition files that speak of origins: `originAliases` of a provider, `followRedirects` of a template."""

import pytest

from httptask.errors import TemplateInvalid
from httptask.loader import Library, open_registry
from httptask.origins import same_origin_target

PROVIDER = "id: acme\ntitle: Acme\nservers: [{{url: https://api.example.com}}]\n{words}\n"
TASK = 'id: acme.get\nmethod: GET\npath: /x\nsummary: Get\nresponses: {{"200": {{description: ok}}}}\n{words}\n'


@pytest.fixture
def write(tmp_path):
    def files(provider="", task=""):
        folder = tmp_path / "acme"
        folder.mkdir()
        (folder / "provider.yaml").write_text(PROVIDER.format(words=provider), encoding="utf-8")
        (folder / "get.yaml").write_text(TASK.format(words=task), encoding="utf-8")
        return Library((tmp_path,)).template(folder / "get.yaml")

    return files


def test_oktas_links_with_the_admin_host_lead_to_the_org():
    aliases = open_registry()["okta.list_agent_pools"].provider.origin_aliases
    link = "https://acme-admin.okta.com/api/v1/agentPools?after=bGRh%3D%3D&limit=10"
    assert same_origin_target("https://acme.okta.com", link, aliases) == link.replace("-admin", "")


def test_a_template_follows_no_redirect_and_knows_no_alias_unless_it_says_so(write):
    task = write()
    assert (task.follow_redirects, task.provider.origin_aliases) == (False, ())


def test_a_template_may_follow_redirects_and_a_provider_may_have_aliases(write):
    task = write('originAliases: ["https://{subdomain}-admin.{rest}", "https://eu.example.com:8443"]', "followRedirects: true")
    assert task.follow_redirects
    assert task.provider.origin_aliases == ("https://{subdomain}-admin.{rest}", "https://eu.example.com:8443")


@pytest.mark.parametrize(
    "alias",
    [
        "http://a.example",
        "https://a.example/x",
        "https://u@a.example",
        "a.example",
        "https://{host}",
        "https://*.example",
        "https://",
    ],
)
def test_an_alias_is_an_https_origin(write, alias):
    with pytest.raises(TemplateInvalid, match=r"provider\.yaml"):
        write(f'originAliases: ["{alias}"]')


def test_follow_redirects_is_a_boolean(write):
    with pytest.raises(TemplateInvalid, match=r"get\.yaml"):
        write(task="followRedirects: 5")
