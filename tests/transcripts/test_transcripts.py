"""Every conversation recorded from Centrifugo, replayed here."""

import pytest

from tests.transcripts import pending


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_all_but_the_listed_conversations_go_as_recorded():
    passed, unexpected, better, output = pending.compare()
    assert not unexpected, output
    assert not better, f"these pass now, take them off pending.txt: {sorted(better)}"
    scenarios = len(list((pending.HERE / "scenarios").rglob("*.json")))
    assert passed == scenarios - len(pending.listed()), "some were not replayed"
    assert passed >= 170


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_our_own_conversations_go_as_the_protocol_says():
    """Corners that no recording shows, in the same form; what is expected was found in the protocol's description."""
    passed, failed, output = pending.replay(folder="own")
    assert not failed, output
    assert passed == len(list((pending.HERE / "own").rglob("*.json"))) >= 25


def test_each_pending_one_has_its_reason():
    reasons = pending.listed()
    assert reasons
    assert not [name for name, reason in reasons.items() if len(reason) < 5]
    assert not [name for name in reasons if not (pending.HERE / "scenarios" / f"{name}.json").exists()]
