"""Clients by the thousand in one process that no server outruns: the bench's load client, in C."""

import shutil

import pytest

from bench.processes import Client

needs_a_compiler = pytest.mark.skipif(
    shutil.which("cc") is None, reason="the load client is compiled here, and there is no cc"
)


def crowd(port: int) -> Client:
    """On any core. Use it as a context manager."""
    return Client(port, core=None)
