import pytest

from httptask.errors import TemplateInvalid
from httptask.loader import Library

PROVIDER = "id: acme\ntitle: Acme\nservers: [{url: https://api.example.com}]\n"
TEMPLATE = """\
id: acme.get_thing
method: GET
path: /things
responses:
  '200': {description: ok}
outputs:
  counted: {value: '{{ EXPRESSION }}', schema: {}}
"""


@pytest.fixture
def load(tmp_path):
    def loaded(expression):
        (tmp_path / "provider.yaml").write_text(PROVIDER, encoding="utf-8")
        (tmp_path / "task.yaml").write_text(TEMPLATE.replace("EXPRESSION", expression), encoding="utf-8")
        return Library(root=tmp_path).template(tmp_path / "task.yaml")

    return loaded


def test_a_template_may_call_range(load):
    assert load("range(3) | list").outputs["counted"].value == "{{ range(3) | list }}"


@pytest.mark.parametrize(
    ("expression", "name"), [("range", "range"), ("range(things)", "things"), ("ranges(3)", "ranges"), ("range(range)", "range")]
)
def test_other_names_stay_unknown(load, expression, name):
    with pytest.raises(TemplateInvalid, match=f"unknown name '{name}'"):
        load(expression)
