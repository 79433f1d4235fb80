"""Pure: what the answers of connection routes say to pages of other origins."""

from collections.abc import Mapping
from typing import Final

from service.connections.negotiation import origin_allowed

REMEMBERED: Final = 600  # seconds that a browser may keep the answer to a preflight: one a command would be too many


def cors(headers: Mapping[str, str], host: str, patterns: tuple[str, ...]) -> dict[str, str]:
    """Headers for the answer: nothing for pages that may not read it, who are answered all the same.

    Args:
        headers: of the request, looked up in any case.
        host: ours, as the request has it.
        patterns: ``client.allowed_origins``.

    """
    origin = headers.get("Origin", "")
    if not origin or not origin_allowed(origin, host, patterns):
        return {}
    allowed = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
    }
    wanted = headers.get("Access-Control-Request-Headers", "")
    if wanted and wanted != "null":
        allowed["Access-Control-Allow-Headers"] = wanted
        allowed["Access-Control-Max-Age"] = str(REMEMBERED)
    return allowed
