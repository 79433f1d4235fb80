r"""Pure: glob patterns of channel names, as the server API's ``channels`` takes them.

``*`` any characters, ``?`` one, ``[abc]``, ``[!a-z]``, ``{this,that}``, and ``\`` before a character that means itself.
"""

import re
from collections.abc import Callable
from fnmatch import translate

from service.protocol.errors import BAD_REQUEST, ClientMistake

ALTERNATIVES = 64  # that braces may spell out; a pattern must not cost more than the answer


class BadPattern(ClientMistake):
    """Brackets or braces that do not close, or too many alternatives."""

    def __init__(self, why: str) -> None:
        super().__init__(BAD_REQUEST)
        self.why = why


def matcher(pattern: str) -> Callable[[str], object]:
    """A test for names; the empty pattern takes every name.

    Raises:
        BadPattern: it is not a glob.

    """
    if not pattern:
        return lambda _name: True
    expressions = [translate(each) for each in _spelled_out(pattern)]
    try:
        return re.compile("|".join(expressions)).match
    except re.error as fault:
        raise BadPattern(str(fault)) from fault


def _spelled_out(pattern: str) -> list[str]:
    """The pattern without braces and backslashes, once an alternative."""
    texts = [""]
    rest = pattern
    while rest:
        head, rest = rest[0], rest[1:]
        if head == "\\":
            if not rest:
                raise BadPattern("ends with a backslash")
            itself = f"[{rest[0]}]" if rest[0] in "*?[" else rest[0]
            texts = [text + itself for text in texts]
            rest = rest[1:]
        elif head == "[":
            inside, closing, rest = rest.partition("]")
            if not closing or not inside:
                raise BadPattern("'[' without ']'")
            texts = [f"{text}[{inside}]" for text in texts]
        elif head == "{":
            inside, closing, rest = rest.partition("}")
            if not closing or "{" in inside:
                raise BadPattern("'{' without '}'")
            texts = [text + each for text in texts for each in inside.split(",")]
        else:
            texts = [text + head for text in texts]
        if len(texts) > ALTERNATIVES:
            raise BadPattern(f"more than {ALTERNATIVES} alternatives")
    return texts
