"""The options of hooks."""

from service.settings.checking import defaults
from service.settings.hook_options import FOR_NAMESPACES, HOOKS_OF_CHANNELS, HOOKS_OF_CLIENTS, PLACES
from service.settings.options import ours


def test_every_place_has_an_endpoint_with_a_time():
    values = defaults(ours())
    places = [values["client"]["proxy"][kind] for kind in HOOKS_OF_CLIENTS]
    places += [values["channel"]["proxy"][kind] for kind in HOOKS_OF_CHANNELS] + [values["rpc"]["proxy"]]
    assert {place["timeout"] for place in places} == {1.0}
    assert {place["endpoint"] for place in places} == {""}


def test_every_kind_of_channel_hook_is_switched_by_namespaces():
    assert {name for name, *_ in FOR_NAMESPACES} == {
        f"{kind}_proxy_{what}" for kind in HOOKS_OF_CHANNELS for what in ("enabled", "name")
    }
    assert "proxies[]" in dict(PLACES)
