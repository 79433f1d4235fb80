"""A stack that answers what a test wants it to."""

from faults.trial import LEDGERS

HEARTBEAT = {"type": "alerting", "name": "Watchdog", "state": "firing", "duration": 0}


class Answering:
    """`states` by alert as the rulers tell them; `inbox_has` likewise; `muted`: which alert is kept back by which.

    `away`: services that do not answer. `ledgers`: what each of them cannot explain.
    """

    def __init__(self, **states):
        self.states = states
        self.hold = 10.0
        self.inbox_has = {}
        self.muted = {}
        self.away = set()
        self.ledgers = {name: [0.0] for name in LEDGERS}

    def get(self, service, path, inside=0):
        if service in self.away:
            raise ConnectionRefusedError
        if service == "prometheus":
            rules = [
                {"type": "alerting", "name": name, "state": state, "duration": self.hold}
                for name, state in self.states.items()
            ]
            return {"data": {"groups": [{"rules": [*rules, {"type": "recording", "name": "a:b:c"}, HEARTBEAT]}]}}
        if service == "loki":
            return {"data": {"groups": []}}
        if service == "pager":
            return {
                state: [{"name": name} for name, there in self.inbox_has.items() if there == state]
                for state in ("firing", "resolved")
            }
        return [
            {
                "labels": {"alertname": name},
                "fingerprint": f"of {name}",
                "status": {"inhibitedBy": [f"of {self.muted[name]}"] if name in self.muted else []},
            }
            for name in {*self.muted, *self.muted.values()}
        ]

    def samples(self, name):
        if name not in self.ledgers:
            raise LookupError(name)
        return self.ledgers[name]
