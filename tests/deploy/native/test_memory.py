"""What a process takes, told as the kernel has it."""

import os
import re
import subprocess
import sys

import pytest

from deploy.native.memory import Taken, table, taken

GREEDY = "big = bytearray(64_000_000); del big; print('ready', flush=True); input()"


def test_memory_now_and_at_most():
    with subprocess.Popen(
        [sys.executable, "-c", GREEDY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        found = taken(process.pid)
        process.communicate("\n")
    assert 2e6 < found.resident < 50e6
    assert found.peak > 64e6


def test_processor_time_of_a_process_that_computes():
    before = taken(os.getpid()).seconds
    while taken(os.getpid()).seconds < before + 0.02:
        sum(range(10_000))


def test_who_is_gone_is_an_error():
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(OSError, match="No such file"):
        taken(process.pid)


def test_a_row_for_each_and_the_sum():
    before = {"loki": Taken(1, 1, 10.0), "pager": Taken(1, 1, 1.0), "gone": Taken(1, 1, 1.0)}
    after = {"pager": Taken(40_000_000, 45_000_000, 1.6), "loki": Taken(140_000_000, 150_000_000, 13.0)}
    rows = [re.split(r"  +", line) for line in table(before, after, 60.0).splitlines()]
    assert rows == [
        ["service", "resident", "at most", "of a core"],
        ["loki", "140 MB", "150 MB", "5.0%"],
        ["pager", "40 MB", "45 MB", "1.0%"],
        ["together", "180 MB", "195 MB", "6.0%"],
    ]
