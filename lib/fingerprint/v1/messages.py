"""Messages without their data: the same words with other ids, numbers, names or addresses give the same text."""

import re
from functools import lru_cache

HOLE = "<*>"
_DIGIT = re.compile(r"\d")
_SPLIT = re.compile(r"([\s,;=()\[\]{}<>\"'|#]++)")


def normalise(message: str) -> str:
    """The message with data replaced by `<*>`."""
    return " ".join(_word(token) for token in message.split())


@lru_cache(maxsize=65_536)
def _word(token: str) -> str:
    if not _DIGIT.search(token) and "[redacted" not in token and "@" not in token:
        return token
    return "".join(HOLE if _DIGIT.search(p) or "@" in p else p for p in _SPLIT.split(token))
