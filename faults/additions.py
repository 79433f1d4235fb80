"""What runs beside what the compose file says, and what the failure lab adds in this way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.native.compose import Health, Mount, Published, Service
from faults import outsiders

TROUBLE: Final = Path(__file__).parent / "inside" / "trouble.py"
DEFECTS: Final = Path(__file__).parent / "inside" / "defects.py"
_TLS: Final = 8443
_LISTENERS: Final = [
    {"name": "tls", "port": _TLS, "tls": {"enabled": True, "cert_pem": "/lab/tls.crt", "key_pem": "/lab/tls.key"}}
]
_PAGER: Final = """\
channels:
  chat: {type: dingtalk, url_file: /etc/pager/chat_url, secret_file: /etc/pager/chat_secret, limit: 20, mute: 60s}
  desk: {type: webhook, url: "http://outsiders:8088/webhook", limit: 0}
watchdog: {after: 10s}
routes:
  critical: [{to: [desk, chat]}]
  latency: [{to: [desk, chat]}]
  logs: [{to: [desk, chat]}]
  warning: [{to: [desk]}]
  info: [{to: [desk]}]
"""


ROTA: Final = """\
time_zone: UTC
people:
  ada: {name: Ada}
  ben: {name: Ben}
rotation: {every: week, weekday: monday, at: "09:00", since: 2026-01-05, order: [ada, ben]}
"""


@dataclass(frozen=True, slots=True)
class Additions:
    """The server, the pager and the services beside them see one folder as ``/lab``: modules, orders, a certificate."""

    inside: tuple[Path, ...]  # modules that the server's and the pager's process import before anything else
    server: Mapping[str, str]  # of its environment
    pager: Mapping[str, str]  # files in /etc/pager, by name
    rota: str = ""  # the pager's, if it has one
    beside: tuple[Service, ...] = ()


#: A backend and two providers, which the compose file leaves to its reader.
_OUTSIDERS: Final = Service(
    name="outsiders",
    image="heliograph:0.1.0",
    command=("python", "-m", "faults.outsiders", "--orders", "/lab/orders"),
    environment={},
    mounts=(Mount("faults", "/app/faults", bind=True, read_only=True),),
    published=(Published("127.0.0.1", 0, 8088),),
    health=Health(("python", "-m", "deploy.probe", "http://127.0.0.1:8088/health"), 10, 4, 6, 10),
    after={},
    grace=5.0,
)
LAB: Final = Additions(
    inside=(TROUBLE, DEFECTS),
    server={
        "HELIOGRAPH_CLIENT_CONNECTION_LIMIT": "300",
        "HELIOGRAPH_HTTP_SERVER_LISTENERS": json.dumps(_LISTENERS),
        "HELIOGRAPH_RPC_PROXY_ENDPOINT": "http://outsiders:8088/hook",
        "HELIOGRAPH_RPC_PROXY_TIMEOUT": "3s",
        "HELIOGRAPH_RPC_WITHOUT_NAMESPACE_PROXY_ENABLED": "true",
    },
    pager={
        "pager.yml": _PAGER,
        "chat_url": f"http://outsiders:8088/chat?access_token={outsiders.TOKEN}",
        "chat_secret": outsiders.KEY,
    },
    rota=ROTA,
    beside=(_OUTSIDERS,),
)
