"""Text to plain text: what a model wrote can be read, and do nothing. Also what is sent to it hides nothing from a reader.

A link may carry away what it was told, an image is fetched without a click, markup and control characters make a page, a mail
or a terminal show something else than what is there. All of that is taken out of the text itself, so that no place that shows
it has to remember.
"""

from __future__ import annotations

import re
import unicodedata

from lib.analysis.hosts import broken_up

ELLIPSIS = "..."  # in the one form that `visible` keeps
LINK = "[link removed]"
ADDRESS = "[address removed]"
ROUNDS_MAX = 5

# Control characters but \n and \t; bidirectional and other invisible formatting; tags; private use; surrogates.
_KEPT = frozenset("\n\t")
_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u115f\u1160\u3164\uffa0\u2800]")
_LINES = re.compile("\r\n?|[\u0085\u2028\u2029\v\f]")
# A scheme and two slashes, forwards or backwards; a host after two slashes; a share (\\host\x); www.; schemes without slashes.
_URL = re.compile(
    r"(?i)[a-z][a-z0-9+.\-]{1,20}\s?:\s?[/\\]\s?[/\\]\S*|[/\\]{2}[\w\-]+(?:\.[\w\-]+)+\S*|(?<![\w:\\])\\\\[\w\-]{2,}\\\w\S*"
    r"|\bwww\d?\.\S+"
)
_SCHEME = re.compile(
    r"(?i)\b(?:javascript|vbscript|data|mailto|tel|sms|blob|intent|callto|skype|facetime|sips?|xmpp|magnet|webcal|search-ms|ms-[a-z]+)"
    r":(?=[^\s)\]}])\S*"
)
# Its host ends in letters (`lodash@4.17.21` is a version), and it is no path (`node_modules/@babel/core.js`).
_PART = r"[^\s@<>()\[\]{}\"',;:/\\]"
_ADDRESS = re.compile(rf"{_PART}{{1,64}}@{_PART}{{1,200}}[.。](?!\d)(?:(?!\.){_PART}){{2,63}}")
# What that leaves (`"jane"@corp.example`), but not what begins with it (`"@app.route"`).
_AT = re.compile(r"(?<=[^\s@][\"')\]}>;:,])@(?=[\w\-]{1,63}(?:\.[\w\-]{1,63}){0,8}\.[^\W\d_]{2})")
_MENTION = re.compile(r"(?i)@(?=everyone|here|channel)")
_TAG = re.compile(r"<(?=[A-Za-z/!?@#&$])")
_ENTITY = re.compile(r"&(?=#?\w{1,30};)")
_IMAGE = re.compile(r"!\[")
_BRACKETS = re.compile(r"\](?=\()")
_DEFINITION = re.compile(r"(?m)^([ \t]*\[[^\]\n]{1,80}\]):")
_HALF_A_NAME = re.compile(r"(?<!\S)\S*[.:@/\\]\S*\Z")
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

    Code stays code, a diff a diff, but for `<` before a name (`List‹String>`), names that are hosts as well (`asp[.]net`) and
    the backticks of a fence.
    """
    text = visible(text[: 4 * chars_max])
    for _ in range(ROUNDS_MAX):
        before, text = text, visible(_harmless(text))
        if text == before:
            break
    text = text.strip()
    return text if len(text) <= chars_max else _cut(text, chars_max - len(ELLIPSIS)) + ELLIPSIS


def _cut(text: str, chars_max: int) -> str:
    """Half a word may be a link where the whole was none: `evil.company`."""
    return _HALF_A_NAME.sub("", text[:chars_max]).rstrip()


def _harmless(text: str) -> str:
    text = _FENCE.sub("", text)
    for pattern, instead in _REPLACED:
        text = pattern.sub(instead, text)
    return broken_up(text)


_REPLACED = (
    (_URL, LINK),
    (_SCHEME, LINK),
    (_ADDRESS, ADDRESS),
    (_AT, "[@]"),
    (_MENTION, "@ "),
    (_TAG, "‹"),
    (_ENTITY, "& "),
    (_IMAGE, "! ["),
    (_BRACKETS, "] "),
    (_DEFINITION, r"\1 :"),
)
