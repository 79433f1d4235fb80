"""Codes on the wire: errors of replies, ends of connections and of subscriptions."""

from docs.pages.markdown import code, page, table
from service.protocol import closing, errors


def reply_errors() -> str:
    """Every numbered error of a reply."""
    rows = [
        [code(error.code), error.message, "yes" if error.temporary else "", error.meaning, error.client_action]
        for error in sorted(errors.ERRORS.values(), key=lambda error: error.code)
    ]
    return page(
        "Errors of replies",
        "service/protocol/errors.py",
        "The connection lives on after such a reply. `temporary` asks the client to try again by itself.",
        table(["code", "message", "temporary", "what it means", "what an SDK does"], rows),
    )


def close_codes() -> str:
    """Every end of a connection and of a subscription."""
    rows = [
        [code(end.code), end.reason, code(end.cause), "yes" if end.reconnect else "", end.when, end.client_action]
        for end in sorted(closing.CLOSINGS.values(), key=lambda end: end.code)
    ]
    left = [
        [code(end.code), end.reason, "yes" if end.resubscribe else "", end.when, end.client_action]
        for end in sorted(closing.UNSUBSCRIBINGS.values(), key=lambda end: end.code)
    ]
    return page(
        "Close codes",
        "service/protocol/closing.py",
        "An SDK reads the code alone: below 3500, from 4000 to 4499 and from 5000 on it comes back; otherwise it "
        "stays away. The cause is the label of `heliograph_connections_closed_total` and stands in the connection's "
        "log line; a code may have several, the table names the usual one.",
        table(["code", "reason", "cause", "comes back", "when", "what an SDK does"], rows),
        "All causes: " + ", ".join(code(cause) for cause in closing.CAUSES) + ".",
        "## Ends of subscriptions",
        table(["code", "reason", "subscribes again", "when", "what an SDK does"], left),
    )
