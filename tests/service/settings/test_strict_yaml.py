import pytest
import yaml

from service.settings.strict_yaml import StrictLoader, complaint


def load(text):
    return yaml.load(text, StrictLoader)


def test_it_reads_what_the_safe_loader_reads():
    text = "a: 1\nb: [x, {c: true}]\nd: &base {e: 1}\nf:\n  <<: *base\n  g: 2\n"
    assert load(text) == yaml.safe_load(text)


def test_a_name_that_stands_twice_is_refused():
    with pytest.raises(yaml.YAMLError, match="says b twice"):
        load("a:\n  b: 1\n  b: 2\n")


@pytest.mark.parametrize("text", ["port: {{ port }}", "? [a, b]\n: c\n"])
def test_a_template_that_nobody_filled_in_has_its_place(text):
    with pytest.raises(yaml.YAMLError) as error:
        load(text)
    assert "a name cannot be a list or a mapping in line 1, column" in complaint(error.value)


def test_a_day_that_is_in_no_calendar_has_its_place():
    with pytest.raises(yaml.YAMLError) as error:
        load("a: 1\nsince: 2026-02-30\n")
    assert complaint(error.value) == "no such day or time: day is out of range for month in line 2, column 8"


def test_objects_are_not_made():
    with pytest.raises(yaml.YAMLError):
        load("!!python/object/apply:os.getcwd []")
