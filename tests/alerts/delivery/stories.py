"""What happens in each house, from the first alert to the last message. They run beside each other: all of them wait."""

import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from faults.providers import dingtalk, hooks, pagerduty, smtp, wecom
from tests.alerts.delivery import rules
from tests.alerts.delivery.house import asked, minutes, until

FIRING, OVER, GOES_ON, REMINDER = "[FIRING]", "[RESOLVED]", "[NOT ACKNOWLEDGED]", "[STILL FIRING]"
LOGS, LATENCY, PAGE, TICKET, NEWS = (
    "HeliographErrorLogs",
    "HeliographDeliveryLatencyP99",
    "HeliographBacklog",
    "HeliographHooksSlow",
    "SomethingOfYours",
)
#: What must reach whom: an alert's rule → the providers of its route's first step.
PAGES = {
    LOGS: (wecom.ROBOT, wecom.APP, hooks.SMS),
    LATENCY: (smtp.NAME,),
    PAGE: (dingtalk.NAME, pagerduty.NAME),
}
TICKETS = {TICKET: (dingtalk.NAME,)}
TROUBLE = {
    dingtalk.NAME: [dingtalk.BUSY],
    wecom.ROBOT: [wecom.BUSY],
    wecom.TOKENS: [wecom.BUSY],
    wecom.APP: [(42001, "access_token expired")],
    hooks.SMS: [hooks.SMS_BUSY],
    pagerduty.NAME: [pagerduty.BUSY],
}
ZONE = ZoneInfo("Asia/Shanghai")


class Story:
    """What is left of a house when it has been taken down."""

    def __init__(self, house) -> None:
        self._house = house
        self.messages = house.messages
        self.duty = house.duty
        self.posted = house.posted
        self.moments: dict[str, float] = {}
        self.facts: dict[str, object] = {}
        self.taken, self.refused, self.complaints = [], [], []

    def close(self):
        book = self._house.book
        self.taken, self.refused, self.complaints = book.taken, book.refused, book.complaints

    def took(self, provider, name, mark=FIRING):
        """Seconds from an alert's firing to the provider."""
        return self.messages(provider, name, mark)[0].at - self.posted[name]


def production(house):
    """The pace of production, and every provider says no at first."""
    for provider, answers in TROUBLE.items():
        house.book.trouble_first(provider, *answers)
    for number, name in enumerate({**PAGES, **TICKETS}):
        house.post(rules.alert(name, f"node-{number}:9000"))
    for name, providers in {**PAGES, **TICKETS}.items():
        for provider in providers:
            house.arrived(provider, name, FIRING, patience=60)


def quick(house):
    """A lab's pace, nobody is busy; and the end of each."""
    info = rules.alert(TICKET, "node-9:9000", alertname=NEWS, severity="info")
    alerts = [rules.alert(name, f"node-{number}:9000") for number, name in enumerate({**PAGES, **TICKETS})]
    house.post(*alerts, info)
    for name, providers in {**PAGES, **TICKETS, NEWS: (hooks.WEBHOOK,)}.items():
        for provider in providers:
            house.arrived(provider, name, FIRING)
    house.arrived(hooks.PHONE, LATENCY)
    house.post(*map(rules.ended, alerts))
    for name, providers in {**PAGES, **TICKETS}.items():
        for provider in providers:
            house.arrived(provider, name, OVER, patience=40)


def killed(house, story):
    """The pager loses its power while a call is in the air and letters wait; alerts fire meanwhile."""
    book = house.book
    book.trouble_first(dingtalk.NAME, dingtalk.BUSY)
    with book.held(hooks.SMS):
        house.post(rules.alert(PAGE, "node-1:9000"))
        house.arrived(hooks.SMS, PAGE)
        until(lambda: "system busy" in asked(house.pager("/cases/1")))
        until(lambda: "taken" in asked(house.pager("/cases/1")))  # by PagerDuty
        house.kill_pager()
    story.moments["killed"] = time.time()
    house.post(rules.alert("HeliographReconnectStorm", "node-2:9000"), rules.alert(LOGS, "node-3:9000"))
    until(lambda: house.figure("alertmanager_notification_requests_failed_total") >= 1)
    story.moments["missed"] = time.time()
    house.start_pager()
    for name in (PAGE, "HeliographReconnectStorm"):
        for provider in (dingtalk.NAME, pagerduty.NAME):
            house.arrived(provider, name, FIRING, patience=40)
    for provider in (wecom.ROBOT, wecom.APP):
        house.arrived(provider, LOGS, FIRING, patience=40)
    house.settled()
    story.facts["pages"] = house.pages()


def storm(house, story):
    """Five hundred alerts of all rules that wake somebody, in one call."""
    names = rules.pages(but=("HeliographDown",))
    alerts = [rules.alert(names[number % len(names)], f"node-{number}:9000") for number in range(500)]
    house.post(*alerts)
    until(lambda: len(house.inbox()["firing"]) == 500)
    house.settled()
    story.facts["rules"] = names


def night(house, story, begins):
    """Working hours begin in a minute. A page goes its way at any hour: somebody takes one of them, nobody the other."""
    short = rules.alert("HeliographLoopLag", "node-1:9000")
    house.post(rules.alert(TICKET, "node-2:9000"), short)
    until(lambda: {TICKET, "HeliographLoopLag"} <= {entry["name"] for entry in house.inbox()["firing"]})
    story.moments["shown"] = time.time()
    house.post(rules.alert(PAGE, "node-3:9000"), rules.alert("HeliographReconnectStorm", "node-4:9000"))
    number = until(lambda: house.case_of("HeliographReconnectStorm"))
    house.acknowledge(number, "Ada")
    house.arrived(dingtalk.NAME, PAGE)
    house.post(rules.ended(short))
    until(lambda: house.figure("alertmanager_notifications_suppressed_total") >= 2)
    story.facts["told by night"] = house.messages(dingtalk.NAME, TICKET)
    house.arrived(hooks.PHONE, PAGE, patience=30)
    until(lambda: [each for each in house.messages(hooks.PHONE, PAGE) if each.to == (house.duty.secondary.phone,)], 40)
    house.arrived(dingtalk.NAME, TICKET, patience=max(0, begins.timestamp() - time.time()) + 30)


def next_minute(least=40):
    """A full minute, at least so many seconds from now, where the team is: a busy machine tells of the night in time."""
    return (datetime.now(ZONE) + timedelta(seconds=60 + least)).replace(second=0, microsecond=0)


def hours_from(begins):
    """Hours of a day that begin then."""
    end = begins + timedelta(hours=1)
    return [{"start_time": minutes(begins), "end_time": minutes(end) if end.date() == begins.date() else "24:00"}]


def tell(make, name):
    """A story from its beginning to its end."""
    begins = next_minute()
    more = {"production": {"pace": 1.0}, "night": {"hours": hours_from(begins)}}.get(name, {})
    with make(name, **more) as house:
        story = Story(house)
        story.moments["begins"] = begins.timestamp()
        {
            "production": lambda: production(house),
            "quick": lambda: quick(house),
            "killed": lambda: killed(house, story),
            "storm": lambda: storm(house, story),
            "night": lambda: night(house, story, begins),
        }[name]()
    story.close()
    return story
