"""A stack that answers what a test wants it to."""

HEARTBEAT = {"type": "alerting", "name": "Watchdog", "state": "firing", "duration": 0}


class Answering:
    """`states` by alert as the rulers tell them; `inbox` and `muted` likewise; `away`: services that do not answer."""

    def __init__(self, **states):
        self.states = states
        self.hold = 10.0
        self.inbox_has = {}
        self.muted = ()
        self.away = set()
        self.unaccounted = 0.0

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
        return [{"labels": {"alertname": name}} for name in self.muted]

    def figure(self, name):
        assert name == "heliograph_messages_unaccounted"
        return self.unaccounted
