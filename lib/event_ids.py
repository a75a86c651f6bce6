"""Event ids: 32 lower-case hex digits, a UUID without dashes."""

import re

_FORM = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def parse(value: object) -> str | None:
    """The canonical form of what a client sent, dashed or not, in any case; None where it is no event id."""
    if not isinstance(value, str):
        return None
    text = value.strip().lower() if len(value) < 64 else ""
    return text.replace("-", "") if _FORM.fullmatch(text) else None
