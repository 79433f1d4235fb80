"""Who may subscribe, publish, read history, see presence: decisions over a namespace's options (protocol, section 10).

Anonymous clients have the empty user id and need the option ``…_for_anonymous`` beside that for clients or subscribers.
With ``insecure`` (client.insecure) everybody may do everything, but private channels still need a token.
"""

from service.access.tokens import Granted
from service.channels.namespaces import Namespace

NOTHING_GRANTED = Granted()


def may_subscribe(
    namespace: Namespace, user: str, *, private: bool, limited_to: tuple[str, ...] | None, insecure: bool
) -> bool:
    """Whether a client may enter without a token.

    Args:
        namespace: the channel's options.
        user: the client's user id, "" for anonymous.
        private: the channel's name demands a token.
        limited_to: the users that the channel's name lists; None for a channel without a list.
        insecure: client.insecure.

    """
    if private:
        return False
    if limited_to is not None:
        return (user != "" and user in limited_to) or insecure
    return (
        namespace.allow_subscribe_for_client and (user != "" or namespace.allow_subscribe_for_anonymous)
    ) or insecure


def may_publish(namespace: Namespace, user: str, *, subscribed: bool, insecure: bool) -> bool:
    """Whether a client may publish."""
    if user == "" and not namespace.allow_publish_for_anonymous:
        return insecure
    allowed = namespace.allow_publish_for_client or (subscribed and namespace.allow_publish_for_subscriber)
    return allowed or insecure


def may_read_history(namespace: Namespace, user: str, *, subscribed: bool, insecure: bool) -> bool:
    """Whether a client may read history where there is one."""
    if user == "" and not namespace.allow_history_for_anonymous:
        return insecure
    allowed = namespace.allow_history_for_client or (subscribed and namespace.allow_history_for_subscriber)
    return allowed or insecure


def may_see_presence(namespace: Namespace, user: str, *, subscribed: bool, insecure: bool) -> bool:
    """Whether a client may learn who is in a channel that keeps presence."""
    if user == "" and not namespace.allow_presence_for_anonymous:
        return insecure
    allowed = namespace.allow_presence_for_client or (subscribed and namespace.allow_presence_for_subscriber)
    return allowed or insecure


def present(namespace: Namespace, granted: Granted) -> bool:
    """Whether a subscriber stands in presence."""
    return _forced(granted.presence, by_default=namespace.presence)


def announced(namespace: Namespace, granted: Granted) -> bool:
    """Whether a subscriber's join and leave are told to others."""
    return _forced(granted.join_leave, by_default=namespace.join_leave)


def hears_announcements(namespace: Namespace, user: str, granted: Granted, *, asked: bool, insecure: bool) -> bool:
    """Whether a subscriber is told of joins and leaves: forced, or asked for by one that may see presence."""
    if _forced(granted.force_push_join_leave, by_default=namespace.force_push_join_leave):
        return True
    return asked and namespace.join_leave and may_see_presence(namespace, user, subscribed=True, insecure=insecure)


def positioned(namespace: Namespace, user: str, granted: Granted, *, asked: bool, insecure: bool) -> bool:
    """Whether a subscriber is told when it misses something: forced, or asked for and allowed."""
    if _forced(granted.force_positioning, by_default=namespace.force_positioning):
        return True
    may = namespace.allow_positioning or may_read_history(namespace, user, subscribed=True, insecure=insecure)
    return asked and may


def recoverable(namespace: Namespace, user: str, granted: Granted, *, asked: bool, insecure: bool) -> bool:
    """Whether a subscriber may catch up: forced, or asked for and allowed."""
    if _forced(granted.force_recovery, by_default=namespace.force_recovery):
        return True
    may = namespace.allow_recovery or may_read_history(namespace, user, subscribed=True, insecure=insecure)
    return asked and may


def _forced(override: bool | None, *, by_default: bool) -> bool:
    return by_default if override is None else override
