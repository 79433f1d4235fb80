"""What the stack's tests add to the compose file; the failure lab runs it for them."""

import json
from pathlib import Path

from faults.additions import TROUBLE, Additions

FAULTS = Path(__file__).parent / "faults"
#: What may still fire of what earlier tests broke: pages that go to a provider that is away, and budgets, which remember for
#: minutes, since their months are hours here.
LEFT = {"HeliographLettersWait", "HeliographMessageBudget", "HeliographDeliveryBudget"}
#: A namespace whose subscriptions a backend decides that is not there, and one that drops what a slow reader had not
#: taken when something newer comes; nobody but a test uses them.
NAMESPACES = [
    {"name": "asked", "subscribe_proxy_enabled": True},
    {"name": "newest", "allow_subscribe_for_client": True, "slow_policy": "conflate"},
]
ADDED = Additions(
    inside=(TROUBLE, FAULTS / "more_trouble.py"),
    server={
        "HELIOGRAPH_CHANNEL_NAMESPACES": json.dumps(NAMESPACES),
        "HELIOGRAPH_CHANNEL_PROXY_SUBSCRIBE_ENDPOINT": "http://127.0.0.1:9/subscribe",
        # The internal port speaks TLS, too: plain HTTP goes on, and there is a certificate to watch.
        "HELIOGRAPH_HTTP_SERVER_INTERNAL_TLS_ENABLED": "true",
        "HELIOGRAPH_HTTP_SERVER_INTERNAL_TLS_MODE": "permissive",
        "HELIOGRAPH_HTTP_SERVER_INTERNAL_TLS_CERT_PEM": "/lab/tls.crt",
        "HELIOGRAPH_HTTP_SERVER_INTERNAL_TLS_KEY_PEM": "/lab/tls.key",
    },
    pager={"pager.yml": (FAULTS / "pager.yml").read_text()},
)
