"""Which TCP ports a process listens on, from /proc."""

import re
from pathlib import Path

_LISTEN = "0A"


def ports(pid: int) -> list[tuple[str, int]]:
    """Address and port of each listening socket of the process, in their order; empty when it has gone."""
    try:
        inodes = {inode for descriptor in Path(f"/proc/{pid}/fd").iterdir() if (inode := _inode(descriptor))}
        tables = [Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii") for name in ("tcp", "tcp6")]
    except OSError:
        return []
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return sorted({_address(row[1]) for row in rows if row[3] == _LISTEN and row[9] in inodes})


def _inode(descriptor: Path) -> str:
    """Of a socket; "" for anything else, and for a descriptor that was closed meanwhile."""
    try:
        found = re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink()))
    except OSError:
        return ""
    return found[1] if found else ""


def _address(text: str) -> tuple[str, int]:
    """``0100007F:1F90`` as 127.0.0.1 and 8080; of IPv6 only the address for all is of interest here."""
    address, _, port = text.partition(":")
    if len(address) > 8:
        return ("::" if not int(address, 16) else "ipv6"), int(port, 16)
    return ".".join(str(part) for part in reversed(bytes.fromhex(address))), int(port, 16)
