"""Text to plain text: what a model wrote can be read, and do nothing. Also what is sent to it hides nothing from a reader.

A link may carry away what it was told, an image is fetched without a click, markup and control characters make a page, a mail
or a terminal show something else than what is there. All of that is taken out of the text itself, so that no place that shows
it has to remember.
"""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "..."  # in the one form that `visible` keeps
LINK = "[link removed]"
ADDRESS = "[address removed]"
ROUNDS_MAX = 5

# Control characters but \n and \t; bidirectional and other invisible formatting; tags; private use; surrogates.
_KEPT = frozenset("\n\t")
_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u115f\u1160\u3164\uffa0\u2800]")
_LINES = re.compile("\r\n?|[\u0085\u2028\u2029\v\f]")
# A scheme and two slashes, forwards or backwards; a host after two slashes; www.; schemes that need no slashes.
_URL = re.compile(r"(?i)[a-z][a-z0-9+.\-]{1,20}\s?:\s?[/\\]\s?[/\\]\S*|[/\\]{2}[\w\-]+(?:\.[\w\-]+)+\S*|\bwww\d?\.\S+")
_SCHEME = re.compile(r"(?i)\b(?:javascript|vbscript|data|mailto|tel|sms|blob|intent|callto|skype):(?=[^\s)\]}])\S*")
# What mail programs make a link of by themselves. A name of code goes on behind it, or is called.
_TLD = (
    r"com|net|org|info|biz|io|ai|app|dev|co|me|xyz|top|site|online|link|click|cloud|page|zip|mov|ru|cn|uk|de|fr|eu|us|in|br|tk"
    r"|example|test|onion"
)
_HOST_PATH = re.compile(rf"(?i)\b(?:[a-z0-9\-]{{1,63}}\.){{1,8}}(?:{_TLD})(?::\d+)?[/?]\S*")
_HOST = re.compile(rf"(?i)(?<![\w.@/\-])((?:[a-z0-9\-]{{1,63}}\.){{0,7}}[a-z0-9\-]{{1,63}})\.({_TLD})(?![\w.(/\-])")
_ADDRESS = re.compile(r"[^\s@<>()\[\]{}\"',;:]{1,64}@[^\s@<>()\[\]{}\"',;:]{1,200}\.[^\s@<>()\[\]{}\"',;:.]{2,63}")
_MENTION = re.compile(r"(?i)@(?=everyone|here|channel)")
_TAG = re.compile(r"<(?=[A-Za-z/!?@#&$])")
_ENTITY = re.compile(r"&(?=#?\w{1,30};)")
_IMAGE = re.compile(r"!\[")
_BRACKETS = re.compile(r"\](?=\()")
_FENCE = re.compile(r"(?m)^[ \t]*(?:`{3,}|~{3,})[^\n]*\n?|`{3,}|~{3,}")


def visible(text: str) -> str:
    """The text as a reader sees it: one form of each character, lines ended by \\n, nothing invisible."""
    text = _LINES.sub("\n", unicodedata.normalize("NFKC", text))
    if text.isascii() and text.isprintable():
        return text
    return _VARIATION.sub("", "".join(filter(_is_shown, text)))


def _is_shown(character: str) -> bool:
    return character in _KEPT or unicodedata.category(character) not in _DROPPED_CATEGORIES


def plain(text: str, chars_max: int) -> str:
    """At most `chars_max` characters of visible text without links, addresses, images and markup. Idempotent.

    Code stays code, a diff a diff, but for `<` before a name (`List‹String>`) and the backticks of a fence.
    """
    text = visible(text[: 4 * chars_max])
    for _ in range(ROUNDS_MAX):
        before, text = text, visible(_harmless(text))
        if text == before:
            break
    text = text.strip()
    return text if len(text) <= chars_max else text[: chars_max - len(ELLIPSIS)].rstrip() + ELLIPSIS


def _harmless(text: str) -> str:
    text = _FENCE.sub("", text)
    for pattern, instead in _REPLACED:
        text = pattern.sub(instead, text)
    return text


_REPLACED = (
    (_URL, LINK),
    (_SCHEME, LINK),
    (_HOST_PATH, LINK),
    (_ADDRESS, ADDRESS),
    (_HOST, r"\1[.]\2"),
    (_MENTION, "@ "),
    (_TAG, "‹"),
    (_ENTITY, "& "),
    (_IMAGE, "! ["),
    (_BRACKETS, "] "),
)
