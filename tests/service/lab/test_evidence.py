"""Sources: log files, whole or cut off, and a node that answers, refuses or is not there."""

import io
import json
import socket
import threading
import urllib.error
from collections import Counter
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from service.lab.case import Case
from service.lab.evidence import Node, Silent, from_logs, joined, kinds_of

CLIENT = "37910c74-1936-4fb0-8e68-5ed5d487c8aa"
TRACE = "0123456789abcdef0123456789abcdef"


def written(tmp_path, *lines, name="a.log"):
    file = tmp_path / name
    file.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines) + '{"cut of')
    return file


def line(event, **more):
    return {"timestamp": "2026-11-20T10:00:00Z", "level": "info", "event": event, **more}


@pytest.mark.parametrize(
    ("subject", "kinds"),
    [(CLIENT, ["connection", "user"]), (TRACE, ["trace", "user"]), ("ann", ["user", "connection"])],
)
def test_what_a_subject_may_be(subject, kinds):
    assert kinds_of(subject) == kinds


def test_a_users_lines_lead_to_those_of_its_connections(tmp_path):
    file = written(
        tmp_path,
        line("heartbeat.missed", connection_id=CLIENT),
        line("heartbeat.missed", connection_id="another"),
        line("loop.stalled", seconds=1.0, where="x:1"),
        line("connection.closed", connection_id=CLIENT, user="ann", cause="no_pong", code=3012),
        line("connection.closed", connection_id="another", user="ann-not", cause="shutdown", code=3001),
    )
    case = from_logs("ann", "user", [file])
    assert {each["event"] for each in case.lines} == {"heartbeat.missed", "connection.closed"}
    assert {each["connection_id"] for each in case.lines} == {CLIENT}
    assert len(case.node) == 1
    assert case.ends == Counter(no_pong=1, shutdown=1)
    assert case.cause == "no_pong"


def test_a_trace_leads_to_its_connection(tmp_path):
    closed = line("connection.closed", connection_id=CLIENT, trace_id=TRACE, cause="bad_frame", code=3501)
    first = written(tmp_path, line("connection.refused", connection_id=CLIENT, code=109), name="1.log")
    case = from_logs(TRACE, "trace", [first, written(tmp_path, closed, name="2.log")])
    assert {each["event"] for each in case.lines} == {"connection.refused", "connection.closed"}


def test_quotes_and_other_alphabets_are_found(tmp_path):
    file = tmp_path / "a.log"
    for user in ('a"b', "Žofie"):
        file.write_text(json.dumps(line("connection.closed", user=user), ensure_ascii=False, separators=(",", ":")))
        assert from_logs(user, "user", [file]).known


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(Silent, match="No such file"):
        from_logs("ann", "user", [tmp_path / "nothing.log"])


def test_a_node_that_is_not_there_is_told():
    with pytest.raises(Silent, match="no node answers"):
        Node("http://127.0.0.1:1", "t").case("ann", "user")


@pytest.mark.parametrize(
    ("status", "says"), [(401, "refuses the token"), (404, "debug API is off"), (429, "busy"), (500, "HTTP status 500")]
)
def test_a_refusal_is_a_sentence(status, says):
    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Refuses) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(Silent, match=says):
                Node(f"http://127.0.0.1:{server.server_port}", "t").case("ann", "user")
        finally:
            server.shutdown()
            thread.join()


def test_what_a_node_says_of_a_question_is_told(monkeypatch):
    """Not that its debug API were off."""
    asked = []

    def refuses(request, timeout):
        asked.append(request.full_url)
        body = io.BytesIO(b'{"error":"nobody is in this channel here"}')
        raise urllib.error.HTTPError(request.full_url, 404, "Not Found", Message(), body)

    monkeypatch.setattr("urllib.request.urlopen", refuses)
    with pytest.raises(Silent, match="^the node refuses: nobody is in this channel here$"):
        Node("http://127.0.0.1:1", "t").ask("channels?name=chat:Žižkov 3&limit=1")
    assert asked == ["http://127.0.0.1:1/debug/channels?name=chat:%C5%BDi%C5%BEkov%203&limit=1"]


@pytest.mark.parametrize("server", ["http://127.0.0.1:port", "127.0.0.1:9000", "ftp:/x", ""])
def test_an_address_that_is_none_is_told(server):
    with pytest.raises(Silent, match="no node answers"):
        Node(server, "t").ask("slow")


def test_whoever_speaks_no_http_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speaks():
            with listening.accept()[0] as peer:
                peer.recv(4096)
                peer.sendall(b"SSH-2.0-OpenSSH\r\n")

        thread = threading.Thread(target=speaks)
        thread.start()
        with pytest.raises(Silent, match="no node answers"):
            Node(f"http://127.0.0.1:{listening.getsockname()[1]}", "t").ask("slow")
        thread.join()


def test_of_two_sources_the_second_fills_in_what_the_first_does_not_know():
    told = {"connection_id": "a", "cause": "no_pong"}
    log = Case(
        "ann", "user", story=told, events=[{"at": 0.0}], ends=Counter(no_pong=3), others=[{"connection_id": "b"}]
    )
    case = joined(Case("ann", "user", ends=Counter(no_pong=1)), log)
    assert (case.story, case.events, case.ends) == (told, [{"at": 0.0}], Counter(no_pong=3))
    assert case.others == [{"connection_id": "b"}]
    again = joined(case, Case("ann", "user", story=told, others=[{"connection_id": "a"}, {"connection_id": "b"}]))
    assert again.others == [{"connection_id": "b"}]
