"""Serve an ASGI app on a loopback port: in a thread for tests, on a given socket for `make dev`."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

HOST = "127.0.0.1"
BACKLOG = 2048
START_SECONDS_MAX = 10.0


def listen(port: int = 0) -> socket.socket:
    """A listening socket on loopback; port 0 takes a free one. Raises OSError (EADDRINUSE) where the port is taken.

    TCP_NODELAY is set here because accepted sockets inherit it: without it, a server that was handed its socket
    answers 44 ms late (Nagle's algorithm against delayed acknowledgements).
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    listener.listen(BACKLOG)
    return listener


def url_of(listener: socket.socket) -> str:
    """The address a listening socket is reached at."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def server_of(app: Any, **options: Any) -> uvicorn.Server:
    """A quiet uvicorn for this app; `lifespan` is run."""
    settings: dict[str, Any] = {"log_level": "warning", "access_log": False, "ws": "none", "timeout_graceful_shutdown": 1}
    settings |= {"proxy_headers": False}  # uvicorn would believe X-Forwarded-For from loopback
    return uvicorn.Server(uvicorn.Config(app, **(settings | options)))


@contextmanager
def in_thread(app: Any, listener: socket.socket | None = None, tls_file: Path | None = None) -> Iterator[str]:
    """Serve `app` from a thread with an event loop of its own; yields the URL. tls_file: a key and its certificate, for https."""
    listener = listener or listen()
    server = server_of(app, ssl_certfile=tls_file)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="stand-in", daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS_MAX
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.005)
    if not server.started:
        raise RuntimeError("the server did not start")
    try:
        yield url_of(listener)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
