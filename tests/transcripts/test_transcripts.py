"""Every conversation recorded from Centrifugo, replayed here."""

import pytest

from tests.transcripts import pending


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_all_but_the_listed_conversations_go_as_recorded(say_at_the_end):
    found = pending.compare()
    say_at_the_end(found.summary())
    assert not found.unexpected, found.output
    assert not found.better, f"these pass now, take them off pending.txt: {sorted(found.better)}"
    assert found.passed == pending.recorded() - len(pending.listed()), "some were not replayed"
    assert found.passed >= 584


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_our_own_conversations_go_as_the_protocol_says():
    """Corners that no recording shows, in the same form.

    What is expected was found in the protocol's description and in what Centrifugo 6.9.1's source does.
    """
    passed, failed, output = pending.replay(folder="own")
    assert not failed, output
    assert passed == len(list((pending.HERE / "own").rglob("*.json"))) >= 45


def test_each_pending_one_has_its_reason():
    reasons = pending.listed()
    assert reasons
    assert not [name for name, reason in reasons.items() if len(reason) < 5]
    assert not [name for name in reasons if not (pending.HERE / "scenarios" / f"{name}.json").exists()]
