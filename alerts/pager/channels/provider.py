"""SMS and telephone: any provider that takes a JSON call. The body is a template of the configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from alerts.pager.channels.outcome import (
    JSON,
    Answer,
    Call,
    Later,
    Outcome,
    Refused,
    Sent,
    Unreachable,
    by_status,
    mapping,
    said,
    secret,
)
from alerts.pager.message import Message
from alerts.pager.rota import Person
from alerts.pager.wording import short, title


@dataclass(frozen=True, slots=True)
class Provider:
    """``{phone}``, ``{text}``, ``{title}`` and ``{name}`` are replaced in the body's texts.

    ``success``: fields of the answer's JSON that must have these values; many providers refuse with HTTP 200.
    ``busy``: fields whose value, or one of these values, passes by: the same is tried again soon.
    """

    name: str
    url: str
    body: Mapping[str, Any]
    token_file: str = ""  # sent as "Authorization: Bearer …"
    success: Mapping[str, Any] = field(default_factory=dict)
    busy: Mapping[str, Any] = field(default_factory=dict)
    longest: int = 300  # characters of the text
    limit: int = 30
    personal: bool = True
    together: bool = True
    follows: bool = False

    def call(self, messages: Sequence[Message], person: Person | None, now: float) -> Call:
        """See ``Channel.call``."""
        del now
        if person is None or not person.phone:
            raise Unreachable(f"{person.name if person else 'nobody'} has no phone in the rota")
        words = {
            "{phone}": person.phone,
            "{name}": person.name,
            "{title}": title(messages, self.longest),
            "{text}": short(messages, self.longest),
        }
        headers = dict(JSON)
        if self.token_file:
            headers["Authorization"] = f"Bearer {secret(self.token_file, self.name)}"
        return Call(self.url, msgspec.json.encode(_filled(self.body, words)), headers)

    def verdict(self, answer: Answer) -> Outcome:
        """See ``Channel.verdict``."""
        outcome = by_status(answer)
        if not isinstance(outcome, Sent) or not self.success:
            return outcome
        told = mapping(answer.body)
        if told is not None and all(told.get(name) == value for name, value in self.success.items()):
            return outcome
        if isinstance(told, dict) and any(_is_one_of(told.get(name), value) for name, value in self.busy.items()):
            return Later(f"the provider is busy: {said(answer.body)}")
        return Refused(f"the provider did not say {dict(self.success)}: {said(answer.body)}")


def _is_one_of(told: Any, values: Any) -> bool:
    return told in values if isinstance(values, list) else told == values


def _filled(template: Any, words: Mapping[str, str]) -> Any:
    if isinstance(template, Mapping):
        return {name: _filled(value, words) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, words) for value in template]
    if isinstance(template, str):
        for word, value in words.items():
            template = template.replace(word, value)
    return template
