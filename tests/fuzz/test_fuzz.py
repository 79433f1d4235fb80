"""The corpus holds in plain Python; 10^5 guided inputs hold; and the fuzzer finds, and tells, a fault that is there."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from service.protocol.codec import BadFrame
from tests.fuzz.__main__ import CORPUS, ROOT, fuzz, report
from tests.fuzz.targets import TARGETS, load, shares
from tests.fuzz.wire_targets import CODEC
from tests.fuzz.words import WORDS, composed, in_words, spelled


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_holds(target):
    inputs = [file.read_bytes() for file in sorted((CORPUS / target).iterdir())]
    assert len(inputs) > 30
    holds = load(target)
    for data in inputs:
        holds(data)


@pytest.mark.parametrize("target", TARGETS)
def test_blind_inputs_hold(target):
    dice, holds = random.Random(20), load(target)
    for _ in range(300 if target == "published" else 3000):
        holds(dice.choice([b"", b"\0", b"\1"]) + dice.randbytes(dice.randrange(80)))


def test_a_planted_fault_is_found_and_told():
    """Five bytes in order: guided by coverage it takes seconds, without it more inputs than there is time for."""
    pytest.importorskip("atheris", reason="atheris is not made for this Python")
    outcome = fuzz("planted", 2_000_000, seed=1)
    assert outcome.found_with.startswith(b"helio")
    assert "ZeroDivisionError: the planted fault" in outcome.fault
    text = report([outcome], 1)
    assert "68656c696f" in text
    assert "exceptions: 1" in text


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_hundred_thousand_inputs_hold(tmp_path):
    pytest.importorskip("atheris", reason="atheris is not made for this Python")
    page = tmp_path / "report.md"
    command = [sys.executable, "-m", "tests.fuzz", "--runs", "100000", "--seed", "1", "--report", str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    text = page.read_text()
    assert "seed 1," in text
    assert int(text.split("Inputs in all: ")[1].split(";")[0]) >= 100_000
    assert "exceptions: 0" in text


def test_words_are_spelled_both_ways():
    text = b'{"id":1,"subscribe":{"channel":"a","zz":1}}'
    assert spelled(in_words(text)) == text
    assert len(in_words(text)) < len(text)
    assert spelled(text) == text
    assert len(WORDS) <= 128


def test_most_compositions_decode():
    """The composer is there for what lies behind the parser: it must get through it often."""
    dice, good = random.Random(3), 0
    for _ in range(300):
        try:
            CODEC.decode(composed(dice.randbytes(dice.randrange(2, 12))))
            good += 1
        except BadFrame:
            pass
    assert good > 60


def test_every_target_has_its_corpus():
    assert {folder.name for folder in Path(CORPUS).iterdir()} == set(TARGETS)


def test_every_target_gets_its_share():
    given = shares(list(TARGETS), 1000)
    assert sum(given.values()) >= 1000
    assert min(given.values()) > 0
    assert shares(["framing"], 10) == {"framing": 10}
