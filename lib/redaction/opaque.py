"""Long random strings without a name or a known prefix: what no person types and no build number looks like."""

from __future__ import annotations

from lib.redaction.values import is_hex, octet_end, switches

BARE_CHARS_MIN = 32
ONE_CASE_CHARS_MIN = 40
PREFIXED_CHARS_MIN = 20
SEEN_CHARS_MAX = 512  # enough to tell


def locate(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The span of a random string, unless it is part of a path, a file's name, a hash (`sha256-…`) or an identifier.

    What an encoded separator before it (`%3D`) leaves of itself is no part of it.
    """
    start = max(start, octet_end(text, start - 1))
    run = text[start : min(end, start + SEEN_CHARS_MAX)]
    before, after = text[start - 1 : start], text[end : end + 1]
    if (
        before == "/"
        or (after == "." and text[end + 1 : end + 2].isalpha())
        or run.startswith(("sha1-", "sha256-", "sha384-", "sha512-"))
    ):
        return None
    if not any(map(str.isdigit, run)):
        return None
    return (start, end) if _is_bare(run) or _is_prefixed(run) else None


def _is_bare(run: str) -> bool:
    core = run.replace("-", "").replace("_", "")
    if len(core) < BARE_CHARS_MIN or core.isdigit() or is_hex(core):
        return False
    if core.islower() or core.isupper():  # letters of one case and digits: fewer switches, so more of them must be seen
        return len(core) == len(run) >= ONE_CASE_CHARS_MIN and switches(core) * 100 >= 30 * len(core)
    return switches(core) * 100 >= 42 * len(core)


def _is_prefixed(run: str) -> bool:
    """A word, a separator, and a random rest: `acme_live_…`."""
    segments = run.replace("-", "_").split("_")
    longest = max(segments, key=len)
    at = segments.index(longest)
    if not at or len(longest) < PREFIXED_CHARS_MIN or is_hex(longest) or longest.isdigit() or longest.isalpha():
        return False
    if not (segments[0].isalnum() and segments[0][0].isalpha() and len(segments[0]) <= 12):
        return False
    return switches(longest) * 100 >= (33 if len(longest) < 30 else 25) * len(longest)
