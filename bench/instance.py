"""One instance of a function: `python -m bench.instance api.ingest:app PORT`. Several may share a port (SO_REUSEPORT).

As Vercel runs it: one process, one event loop, a uvicorn without an access log. Ends with SIGTERM.
"""

from __future__ import annotations

import socket
import sys

import uvicorn

HOST = "127.0.0.1"
BACKLOG = 2048


def reserve(port: int = 0) -> socket.socket:
    """A socket bound to the port (0: a free one) that others may bind too. It takes no connection until it listens.

    TCP_NODELAY is set here because accepted sockets inherit it; without it answers wait 40 ms for an acknowledgement.
    """
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bound.bind((HOST, port))
    return bound


def main() -> None:
    """Serve until told to end."""
    app, port = sys.argv[1:]
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", ws="none", log_level="warning", access_log=False, proxy_headers=False,
        timeout_keep_alive=60,
    )  # fmt: skip
    config.load()  # imports the app: whoever sees this port listening finds it ready
    listener = reserve(int(port))
    listener.listen(BACKLOG)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
