"""Who is connected."""

from service.connections.registry import Registry


class connection:  # noqa: N801 - made as a function would
    """Hashable by identity; nobody may compare it, as finding one among thousands would."""

    __hash__ = object.__hash__

    def __init__(self, name):
        self.id = name

    def __eq__(self, other):
        assert self is other, "looked for by comparing"
        return True


def test_connections_are_found_by_id_and_by_user():
    registry = Registry()
    one, two, other = connection("1"), connection("2"), connection("3")
    registry.add(one, "ann")
    registry.add(two, "ann")
    registry.add(other, "")
    assert registry.get("2") is two
    assert registry.of_user("ann") == [one, two]
    assert registry.of_user("") == [other]
    assert registry.of_user("bob") == []
    assert (len(registry), registry.users) == (3, 2)


def test_removing_leaves_nothing_behind():
    registry = Registry()
    all_of_them = [connection(str(n)) for n in range(5)]
    for c in all_of_them:
        registry.add(c, "ann")
    for c in all_of_them:
        registry.remove(c, "ann")
        registry.remove(c, "ann")
    assert (len(registry), registry.users) == (0, 0)
    assert registry.of_user("ann") == []
