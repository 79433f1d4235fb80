from dataclasses import fields

from service.access.tokens import TokenSettings
from service.channels.namespaces import Boundaries, Namespace
from service.config import assemble
from service.connections.heartbeat import HeartbeatSettings
from service.connections.negotiation import NegotiationSettings
from service.connections.outbox import OutboxSettings
from service.connections.sockopts import SocketSettings
from service.connections.standing import SessionSettings
from service.settings.checking import defaults
from service.settings.option import walk
from service.settings.options import CHANNEL_OPTIONS, ours


def settings():
    return assemble(defaults(ours()), {})


def as_default(record, kind, *but):
    """The fields in which a record differs from what its class says when nobody says anything."""
    plain = kind()
    return {f.name for f in fields(kind) if f.name not in but and getattr(record, f.name) != getattr(plain, f.name)}


def test_every_option_says_what_it_is_for():
    assert not [path for path, option in walk(ours()) if len(option.doc) < 10]


def test_every_default_fits_its_option():
    assert defaults(ours())["client"]["ping_interval"] == 25.0


def test_defaults_of_the_table_are_those_of_the_rooms():
    made = settings()
    session = made.connections.session
    assert as_default(made.tokens, TokenSettings) == set()
    assert as_default(made.connections.outbox, OutboxSettings) == set()
    assert as_default(made.http.public.sockets, SocketSettings, "backlog") == set()
    assert as_default(session.heartbeat, HeartbeatSettings) == set()
    assert as_default(made.upgrade.negotiation, NegotiationSettings) == set()
    assert as_default(made.namespaces.without, Namespace) == set()
    plain = SessionSettings(namespaces=made.namespaces)
    differing = {f.name for f in fields(SessionSettings) if getattr(session, f.name) != getattr(plain, f.name)}
    assert differing == {"version"}


def test_boundaries_are_those_of_names():
    assert settings().namespaces._marks == Boundaries()


def test_every_channel_option_reaches_the_namespace():
    known = {f.name for f in fields(Namespace)}
    assert {name for name, *_ in CHANNEL_OPTIONS} <= known
