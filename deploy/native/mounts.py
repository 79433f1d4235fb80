"""Mounts for roots, and the loopback interface: what Python's library does not have. Needs namespaces of our own."""

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path
from typing import Final

from deploy.native.plan import Bind, Root

_RDONLY, _REMOUNT, _BIND, _REC = 1, 32, 4096, 16384
#: A mount's flags as statvfs tells them -> as mount takes them. In a user namespace they must be kept on a remount.
_KEPT: Final = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Attach a file system, or a place of another one.

    Raises:
        OSError: with the place.

    """
    words = [word.encode() or None for word in (source, target, kind)]
    if _libc.mount(words[0], words[1], words[2], flags, options.encode() or None):
        error = ctypes.get_errno()
        raise OSError(error, f"mounting {source or kind}: {os.strerror(error)}", target)


def bind(given: Bind, root: Path) -> None:
    """Show a file or folder at its place in the root."""
    source, target = Path(given.source), root / given.target.lstrip("/")
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(str(source), str(target), flags=_BIND | _REC)
    if given.read_only:
        had = os.statvfs(target).f_flag
        kept = sum(flag for told, flag in _KEPT.items() if had & told)
        mount("", str(target), flags=_REMOUNT | _BIND | _RDONLY | kept)


def tmpfs(place: Path) -> None:
    """An empty file system in memory."""
    place.mkdir(parents=True, exist_ok=True)
    mount("tmpfs", str(place), "tmpfs", options="mode=755,size=64m")


def build(root: Root, place: Path) -> None:
    """Make the root in an empty folder."""
    for folder in ("proc", "dev", "etc", "tmp", *(name.lstrip("/") for name in root.folders)):
        (place / folder).mkdir(parents=True, exist_ok=True)
    (place / "tmp").chmod(0o1777)
    for name, content in root.files.items():
        (place / name.lstrip("/")).write_text(content, encoding="utf-8")
    for name, points_to in root.links.items():
        (place / name.lstrip("/")).symlink_to(points_to)
    bind(Bind("/proc", "/proc"), place)
    for device in _DEVICES:
        bind(Bind(f"/dev/{device}", f"/dev/{device}"), place)
    for each in sorted(root.binds, key=lambda given: given.target.count("/")):  # a folder before what lies in it
        bind(each, place)


def raise_loopback() -> None:
    """Bring ``lo`` up: a new network namespace has it down. 127.0.0.0/8 comes with it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        request = fcntl.ioctl(asked, _SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", request)[1]
        fcntl.ioctl(asked, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
