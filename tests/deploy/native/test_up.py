"""The command's options, without a stack; with one: tests/stack/test_make_stack.py."""

import pytest

from deploy.native import compose, up
from deploy.native.stack import COMPOSE


def test_settings_reach_the_server_alone():
    changed = [up._with(each, {"HELIOGRAPH_LOG_LEVEL": "warning"}) for each in compose.read(COMPOSE, {})]
    having = {each.name for each in changed if each.environment.get("HELIOGRAPH_LOG_LEVEL") == "warning"}
    assert having == {"heliograph"}


def test_a_setting_without_a_value_is_a_mistake_before_anything_starts(capsys):
    with pytest.raises(SystemExit) as ended:
        up.main(["--set", "HELIOGRAPH_LOG_LEVEL"])
    assert ended.value.code == 2
    assert "--set takes NAME=VALUE" in capsys.readouterr().err
