r"""Pure: glob patterns of channel names, as the server API's ``channels`` takes them.

``*`` any characters, ``?`` one, ``[abc]``, ``[a-z]`` or ``[!a-z]`` one of these or of the others; ``{this,that}``
may nest, and ``\`` before a character that means itself. Braces left open close at the end; brackets must be closed.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from service.protocol.errors import BAD_REQUEST, INTERNAL, ClientMistake, ReplyError

ALTERNATIVES: Final = 64  # that braces may spell out; a pattern must not cost more than the answer
DEEPEST: Final = 16  # braces within braces
_STAR: Final = "*"  # every other token is the expression of one character

Spelling = tuple[str, ...]
"""A pattern without braces: tokens."""


class BadPattern(ClientMistake):
    """No glob: Centrifugo calls that an internal error. Or one of more than we take."""

    def __init__(self, why: str, error: ReplyError = INTERNAL) -> None:
        super().__init__(error)
        self.why = why


def matcher(pattern: str) -> Callable[[str], object]:
    """A test for names; the empty pattern takes every name.

    Raises:
        BadPattern: it is not a glob, or has too many alternatives.

    """
    if not pattern:
        return lambda _name: True
    spellings, _ = _Reading(pattern).branch(0)
    return re.compile("|".join(map(_expression, spellings)), re.DOTALL).fullmatch


def _expression(spelling: Spelling) -> str:
    """What stands between two stars is looked for once: nothing is tried again, whatever the name."""
    first, *rest = _between_stars(spelling)
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>.*?{part})" for part in middle) + ".*" + last


def _between_stars(spelling: Spelling) -> list[str]:
    parts = [""]
    for token in spelling:
        if token == _STAR:
            parts.append("")
        else:
            parts[-1] += token
    return parts


class _Reading:
    """A pattern and how far it is read."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def branch(self, depth: int) -> tuple[Sequence[Spelling], str]:
        """All spellings up to the end of this branch of the braces around it, and the character that ends it."""
        if depth > DEEPEST:
            raise BadPattern(f"braces within braces, more than {DEEPEST} deep", BAD_REQUEST)
        spellings: list[Spelling] = [()]
        while head := self._next():
            if depth and head in ",}":
                return spellings, head
            parts = self._alternatives(depth) if head == "{" else self._token(head)
            if len(spellings) * len(parts) > ALTERNATIVES:
                raise BadPattern(f"more than {ALTERNATIVES} alternatives", BAD_REQUEST)
            spellings = [spelling + part for spelling in spellings for part in parts]
        return spellings, ""

    def _alternatives(self, depth: int) -> list[Spelling]:
        found: list[Spelling] = []
        end = ","
        while end == ",":
            spellings, end = self.branch(depth + 1)
            found += spellings
        return found

    def _token(self, head: str) -> Sequence[Spelling]:
        if head == "*":
            return ((_STAR,),)
        if head == "?":
            return ((".",),)
        if head == "[":
            return ((self._one_of(),),)
        itself = self._next() if head == "\\" else head
        return ((re.escape(itself),) if itself else (),)

    def _one_of(self) -> str:
        """A range of two characters, or a list, in which ``-`` means itself."""
        head = self._next()
        others = "^" if head == "!" else ""
        if others:
            head = self._next()
        if self._pattern[self._at : self._at + 1] == "-" and head:
            self._at += 1
            characters = f"{re.escape(head)}-{re.escape(self._range_end(head))}"
        else:
            characters = "".join(map(re.escape, self._listed(head)))
        return f"[{others}{characters}]"

    def _range_end(self, start: str) -> str:
        end = self._next()
        if not end or end < start or self._next() != "]":
            raise BadPattern("no range of two characters in brackets")
        return end

    def _listed(self, head: str) -> list[str]:
        found: list[str] = []
        while head and head != "]":
            found.append(self._next() if head == "\\" else head)
            head = self._next()
        if not head or not all(found) or not found:
            raise BadPattern("'[' without characters, or without ']'")
        return found

    def _next(self) -> str:
        """The next character; "" at the end."""
        found = self._pattern[self._at : self._at + 1]
        self._at += len(found)
        return found
