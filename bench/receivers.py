"""Mail outbox, receiver of webhooks and model endpoint as one process of its own.

It serves as an instance does: `BENCH_MODEL=slow python -m bench.instance bench.receivers:app PORT`.
"""

from __future__ import annotations

import os
from typing import cast

from local import model
from local.host import App, Receive, Scope, Send
from local.mail import Outbox
from local.receivers import create_app
from local.sink import Sink

RESEND_KEY = "re_bench"
# What a real model does: it takes a second for an answer, or it hangs.
MODEL = model.Model()
MODEL.mode = cast("model.Mode", os.environ.get("BENCH_MODEL", "work"))
RECEIVERS: App = create_app(Outbox(RESEND_KEY), Sink())


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The model below /v1, else mails and webhooks."""
    chosen = MODEL.app if scope.get("path", "").startswith("/v1/") else RECEIVERS
    await chosen(scope, receive, send)
