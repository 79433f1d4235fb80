import pytest
import yaml

from service.settings.strict_yaml import StrictLoader


def load(text):
    return yaml.load(text, StrictLoader)


def test_it_reads_what_the_safe_loader_reads():
    text = "a: 1\nb: [x, {c: true}]\nd: &base {e: 1}\nf:\n  <<: *base\n  g: 2\n"
    assert load(text) == yaml.safe_load(text)


def test_a_name_that_stands_twice_is_refused():
    with pytest.raises(yaml.YAMLError, match="says b twice"):
        load("a:\n  b: 1\n  b: 2\n")


def test_objects_are_not_made():
    with pytest.raises(yaml.YAMLError):
        load("!!python/object/apply:os.getcwd []")
