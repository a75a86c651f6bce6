"""No network for tests: Python's sockets reach Unix sockets and loopback only."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class NetworkBlockedError(RuntimeError):
    """A test tried to leave this machine."""


@contextmanager
def only() -> Iterator[None]:
    """While it lasts, connecting to, or looking up, anything but this machine raises NetworkBlockedError.

    Code in C with sockets of its own (libpq, uvloop) is not covered.
    """
    getaddrinfo = socket.getaddrinfo

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host is not None and not is_local(host):
            raise NetworkBlockedError(f"a test looks up {host!r}")
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _guard(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _guard(socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


def is_local(host: str | bytes) -> bool:
    """Whether a host name or address stays on this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    return name in {"", "localhost", "::1", "::", "0.0.0.0"} or name.startswith("127.")


def _guard(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not is_local(address[0]):
            raise NetworkBlockedError(f"a test connects to {address!r}")
        return connect(self, address)

    return guarded
