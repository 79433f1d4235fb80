"""Pure: what the transports' options say that cannot be: codes and statuses that nobody could be told."""

from collections.abc import Iterator
from typing import Any

from service.protocol.closing import LONGEST_REASON
from service.settings.mistakes import Mistake

Tree = dict[str, Any]
_ANSWERING = ("uni_sse", "uni_http_stream")


def transforms(values: Tree) -> Iterator[Mistake]:
    """Codes of refused connects, and what is told instead."""
    for name in _ANSWERING:
        place = f"{name}.connect_code_to_http_response.transforms"
        for index, each in enumerate(values[name]["connect_code_to_http_response"]["transforms"]):
            yield from _code(each, f"{place}[{index}]")
            status = each["to"]["status_code"]
            if not 200 <= status <= 599:
                yield Mistake(f"{place}[{index}].to.status_code", "takes an HTTP status, 200 to 599", str(status))
    place = "client.connect_code_to_unidirectional_disconnect.transforms"
    for index, each in enumerate(values["client"]["connect_code_to_unidirectional_disconnect"]["transforms"]):
        yield from _code(each, f"{place}[{index}]")
        yield from _ending(each["to"], f"{place}[{index}].to")


def _code(transform: Tree, place: str) -> Iterator[Mistake]:
    if not transform["code"]:
        yield Mistake(f"{place}.code", "must be set: which error this is about")


def _ending(ending: Tree, place: str) -> Iterator[Mistake]:
    if not 3000 <= ending["code"] <= 4999:
        yield Mistake(f"{place}.code", "takes a close code, 3000 to 4999", str(ending["code"]))
    if not ending["reason"].isascii() or len(ending["reason"]) > LONGEST_REASON:
        yield Mistake(f"{place}.reason", f"takes at most {LONGEST_REASON} ASCII characters")
