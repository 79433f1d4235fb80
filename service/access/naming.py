"""Audience and issuer: for whom a token is and whose, by text or expression, and the key set that they lead to."""

import re
from collections.abc import Mapping
from typing import Final

from service.access.refusals import InvalidToken
from service.access.token_settings import TokenSettings

LONGEST: Final = 1024  # characters of a name that an expression is held against
_PLACE: Final = re.compile(r"\{\{([^{}]*)\}\}")
_SAFE: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")  # neither a path nor a port, a query or ``..``

Variables = Mapping[str, str]


def places(endpoint: str) -> set[str]:
    """The names in double braces of an endpoint."""
    return {name.strip() for name in _PLACE.findall(endpoint)}


class Names:
    """What ``aud`` and ``iss`` must be."""

    __slots__ = ("_audience", "_audience_regex", "_endpoint", "_issuer", "_issuer_regex", "_places")

    def __init__(self, settings: TokenSettings) -> None:
        self._audience = settings.audience
        self._issuer = settings.issuer
        self._audience_regex = re.compile(settings.audience_regex) if settings.audience_regex else None
        self._issuer_regex = re.compile(settings.issuer_regex) if settings.issuer_regex else None
        self._endpoint = settings.jwks_public_endpoint
        self._places = places(self._endpoint)

    def check(self, aud: str | list[str], iss: str) -> Variables:
        """Hold a token's names against the settings; what the groups of the expressions found.

        Raises:
            InvalidToken: they do not fit.

        """
        if self._audience and self._audience not in ([aud] if isinstance(aud, str) else aud):
            raise InvalidToken("wrong audience", "audience")
        if self._issuer and iss != self._issuer:
            raise InvalidToken("wrong issuer", "issuer")
        found: dict[str, str] = {}
        if self._issuer_regex is not None:
            match = _fits(self._issuer_regex, iss)
            if match is None:
                raise InvalidToken("the issuer does not match issuer_regex", "issuer")
            found |= match
        if self._audience_regex is not None:
            matches = (_fits(self._audience_regex, each) for each in ([aud] if isinstance(aud, str) else aud))
            match = next((each for each in matches if each is not None), None)
            if match is None:
                raise InvalidToken("the audience does not match audience_regex", "audience")
            found |= match
        return found

    def endpoint(self, found: Variables) -> str:
        """The key set's address for these names.

        Raises:
            InvalidToken: what would be put into it is missing, or more than a plain name.

        """
        for name in self._places:
            if _SAFE.fullmatch(found.get(name, "")) is None:
                raise InvalidToken(f"its names give no plain {name} for the key set's address", "issuer")
        return _PLACE.sub(lambda place: found[place[1].strip()], self._endpoint)


def _fits(expression: re.Pattern[str], name: str) -> dict[str, str] | None:
    match = expression.search(name) if len(name) <= LONGEST else None
    if match is None:
        return None
    return {group: value for group, value in match.groupdict().items() if value is not None}
