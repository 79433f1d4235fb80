"""The page of the doors: clocks and admission."""

from docs.pages.markdown import code, page, table
from service.connections.deadlines import PROFILES


def doors() -> str:
    """The generated document."""
    profiles = [[code(name), f"{each.door:g} s", f"{each.greeting:g} s"] for name, each in PROFILES.items()]
    return page(
        "Doors: deadlines and admission",
        "docs/pages/doors.py",
        "What happens before a connection is there. All bounds, each with its setting and test, stand in "
        "[limits.md](limits.md), TLS in [tls.md](../tls.md).",
        "## Two clocks",
        "*Door*: from the accepted socket to the whole request; a body has as long again. *Greeting*: from the "
        "101 to the connect reply. `http_server.deadlines` names the profile of all listeners, "
        "`http_server.listeners[].deadlines` that of one.",
        table(["profile", "door", "greeting"], profiles),
        "Time in which our own event loop stood still does not count.",
        "These profiles are of the *network* that strangers come through: how long may somebody take whom we know "
        "nothing of yet. Those of `client.heartbeat`, and of `http_server.listeners[].heartbeat`, are of what the "
        "*application* needs once a client is in: how soon must a dead one be known, how long may a slow one take. "
        "One does not follow from the other (a game on phones: `public` and `realtime`; sensors on a mobile "
        "network: `bulk` and `iot`; services of one data centre: `lan` and `service`), hence two settings, and no "
        "name is in both: one that is written in the wrong place is told where it belongs.",
        "## Admission",
        "Who finds no place waits at most 250 ms for one. Then the upgrade is accepted and closed with 3013: SDKs "
        "back off with jitter, and count it as an attempt. When 1,024 of these linger at a time, the answer is "
        "503 with `Retry-After`. After a storm the rate grows from a tenth back to all of it in "
        "`client.connection_ramp`.",
        "Limits by address count an IPv4 address or an IPv6 network of 64 bits. Behind proxies, name their "
        "networks in `http_server.trusted_proxies`: only from there `X-Forwarded-For` (or `Forwarded`) and PROXY "
        "headers are believed, read from their end.",
    )
