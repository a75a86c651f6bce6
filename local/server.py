"""The process that serves: the function host, and the stand-ins' pages under /local. `make dev` starts it anew on each change.

python -m local.server <descriptor of the listening socket>
"""

from __future__ import annotations

import os
import socket
import sys
from http import HTTPStatus

from starlette.responses import PlainTextResponse

from local import serving
from local.clerk import Issuer, create_app
from local.folders import ROOT, data_folder
from local.host import App, Host, Receive, Scope, Send
from local.receivers import with_receivers
from local.seed import PEOPLE

CLERK_PREFIX = "/local/clerk"
KEY_FILE = "clerk.pem"


def with_issuer(host: App, issuer: Issuer) -> App:
    """`host`, with the issuer's pages in front of it."""
    clerk = create_app(issuer, PEOPLE)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(f"{CLERK_PREFIX}/"):
            await clerk({**scope, "root_path": CLERK_PREFIX}, receive, send)
        elif scope["type"] == "http" and scope["path"] == CLERK_PREFIX:
            await PlainTextResponse("", HTTPStatus.SEE_OTHER, {"location": f"{CLERK_PREFIX}/sign-in"})(scope, receive, send)
        else:
            await host(scope, receive, send)

    return app


def main() -> None:
    """Serve until SIGTERM. `make dev` sets LOCAL_RECEIVERS_URL, and LOCAL_ISSUER_ORIGIN where Clerk is not named."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    app: App = Host(ROOT)
    origin = os.environ.get("LOCAL_ISSUER_ORIGIN")
    if origin:
        app = with_issuer(app, Issuer(data_folder() / KEY_FILE, origin + CLERK_PREFIX, origin))
    receivers = os.environ.get("LOCAL_RECEIVERS_URL")
    if receivers:
        app = with_receivers(app, receivers)
    serving.server_of(app, lifespan="on").run(sockets=[listener])


if __name__ == "__main__":
    main()
