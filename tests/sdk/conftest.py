"""The SDKs, each against the real server."""

import pytest

from deploy.npm_packages import Unavailable, node_modules
from tests.e2e.served import RECOVERABLE, Served, configuration
from tests.sdk.clients import Go, Java, JavaScript, Python, Sdk


@pytest.fixture(scope="session")
def javascript_packages():
    """The npm packages, installed once; without Node the JavaScript half is skipped and says so."""
    try:
        return node_modules()
    except Unavailable as why:
        pytest.skip(str(why))


@pytest.fixture
def encoding():
    """What the SDK speaks; a file of conversations for both says so."""
    return "json"


@pytest.fixture(params=["javascript", "python"])
def language(request):
    """Whose SDK it is; a file of conversations for more of them says so with `EVERY_SDK`."""
    return request.param


@pytest.fixture
async def sdk(request, language, encoding):
    """A client that is not connected yet."""
    client: Sdk
    protobuf = encoding == "protobuf"
    try:
        if language == "javascript":
            client = JavaScript(request.getfixturevalue("javascript_packages"), protobuf=protobuf)
        elif language == "python":
            client = Python(protobuf=protobuf)
        else:
            client = Go(protobuf=protobuf) if language == "go" else Java()
    except Unavailable as why:
        pytest.skip(f"the {language} SDK: {why}")
    yield client
    await client.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The real server; anonymous clients are refused, `stream:` keeps history, `quiet:` allows nothing."""
    settings = configuration(client__subscribe_to_user_personal_channel={"enabled": True})
    settings["channel"]["namespaces"].append({"name": "quiet"})
    settings["channel"]["namespaces"].append({**RECOVERABLE, "name": "receipts", "receipts": True})
    deltas = {"name": "delta", "allowed_delta_types": ["fossil"], "delta_publish": True}
    settings["channel"]["namespaces"].append({**RECOVERABLE, **deltas})
    may = ("allow_subscribe_for_client", "allow_presence_for_subscriber", "presence", "join_leave")
    settings["channel"]["namespaces"].append({"name": "room", **dict.fromkeys(may, True)})
    with Served(tmp_path_factory.mktemp("server"), settings) as served:
        yield served
