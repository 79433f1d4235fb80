"""A whole node in this process, for tests that look into it while real sockets talk to it."""

import json

import pytest

from service.config import load
from tests.service.connections.conftest import CONFIG, Node, merged


@pytest.fixture
async def start(tmp_path, telemetry):
    nodes = []

    async def start(**changes):
        file = tmp_path / "config.json"
        file.write_text(json.dumps(merged(CONFIG, changes)))
        node = Node(load(file, {}), telemetry.telemetry)
        node.peers = []
        node.port = (await node.start())[0].port
        nodes.append(node)
        return node

    yield start
    for node in nodes:
        for writer in node.peers:
            writer.close()
        await node.stop("test")
