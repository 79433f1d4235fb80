"""The ports of a process, read from /proc."""

import os
import socket
import subprocess
import sys

from deploy.native.listening import ports


def test_listening_sockets_are_seen_and_others_are_not():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("0.0.0.0", 0)) as other:
        with socket.create_connection(one.getsockname()) as client:
            mine = ports(os.getpid())
            assert ("127.0.0.1", one.getsockname()[1]) in mine
            assert ("0.0.0.0", other.getsockname()[1]) in mine
            assert client.getsockname()[1] not in {port for _, port in mine}


def test_another_process_s_ports_are_not_ours():
    program = "import socket, sys; s = socket.create_server(('::', 0), family=socket.AF_INET6); print(s.getsockname()[1], flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        port = int(child.stdout.readline())
        assert ports(child.pid) == [("::", port)]
        assert port not in {port for _, port in ports(os.getpid())}
        child.stdin.close()


def test_a_process_that_has_gone_has_none():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert ports(child.pid) == []
