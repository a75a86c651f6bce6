"""What a value looks like: a placeholder, a piece of source code, something random, or plain."""
# ruff: noqa: SIM905 -- paragraphs of words are easier to read and to extend than lists

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import re2

CLASSES: Final = {
    **dict.fromkeys(map(ord, "abcdefghijklmnopqrstuvwxyz"), "a"),
    **dict.fromkeys(map(ord, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "A"),
    **dict.fromkeys(map(ord, "0123456789"), "0"),
}
HEX = frozenset("0123456789abcdefABCDEF")
_UUID_DASHES = (8, 13, 18, 23)

# Values that stand for "there is none", for a type, or for the state of a secret instead of the secret.
STAND_INS = frozenset(
    """none null nil undefined true false yes no on off empty missing invalid expired required unknown filtered redacted
    hidden removed masked omitted present absent not set unset ok valid failed failure denied rejected accepted error
    str string int integer bytes bool boolean number float object any optional text varchar char void self this
    password passwd secret token key auth basic bearer digest negotiate hunter cookie session
    is was are must should cannot can has have had been will may does did the a an for from to in on of and or with
    too by at as if then changed reset updated deleted created generated loaded refreshed renewed revoked rotated
    incorrect wrong mismatch match matches success successful successfully unauthorized forbidden granted expires
    disabled enabled default optional none required mandatory request response header param parameter field value
    input length type async await yield include omit same-origin function return lambda new""".split()
)
# Words of a value that somebody is meant to replace: `insert_key_here`, `YOUR_TOKEN`, `<api key>`.
TEMPLATE_WORDS = frozenset("your insert here example placeholder changeme replaceme todo fixme dummy fake sample xxx".split())


def is_redacted(value: str) -> bool:
    """Whether the value was removed before, by us or by the client."""
    return value.startswith(("[redacted:", "[Filtered]", "[filtered]", "[REDACTED", "[Redacted", "%5Bredacted", "%5BFiltered"))


def is_stand_in(value: str) -> bool:
    """Whether the value is no secret: nothing, a word for a state, a variable, a template or a mask."""
    stripped = value.strip(" \t\r\n\"'`")
    if not any(map(str.isalnum, stripped)) or is_redacted(stripped):
        return True
    if stripped.lower().rstrip("!?;") in STAND_INS or (len(set(stripped.lower())) == 1 and len(stripped) > 2):
        return True
    return _is_reference(stripped) or _is_template(stripped)


_REFERENCE = re2.compile(
    rb"""\$\{[^}]*\}?|\$\([^)]*\)?|\{\{.*|<%.*|%\([A-Za-z_.]+\)?[a-z]?|%[A-Za-z]|%[A-Z_]+%|[$:!@%#][A-Za-z_.]+|\$[0-9]{1,2}|\?|"""
    rb"""\{[A-Za-z_.:! -]*\}|\{[0-9]{1,2}\}|<[A-Za-z_.:/ -]+>|#\{[^}]*\}"""
)


def _is_reference(value: str) -> bool:
    """`${NAME}`, `$NAME`, `{{ name }}`, `<name>`, `%(name)s`, `%s`, `{name}`, `@name`, `:name`, `$1`: a hole to be filled."""
    return _REFERENCE.fullmatch(bytes_of(value)) is not None


def _is_template(value: str) -> bool:
    if any(map(str.isdigit, value)) and not value.lower().startswith("your"):
        return False
    lower = value.lower()
    if "x" * 4 in lower or "*" * 3 in lower or "..." in lower:
        return True
    parts = lower.replace("-", "_").replace(" ", "_").replace(".", "_").split("_")
    return not TEMPLATE_WORDS.isdisjoint(parts) or lower.startswith(("fake", "afake"))


def is_code(value: str) -> bool:
    """Whether an unquoted value is an expression of source code: a call, an index, an attribute, a constant's name."""
    head = min(value.partition("(")[0], value.partition("[")[0], key=len)
    if _is_dotted_name(value):
        return True
    parts = head.replace("->", ".").replace("::", ".").replace("?.", ".").rstrip("?!").lstrip("$@*!").split(".")
    if not all(part.isidentifier() for part in parts if part):
        return False
    if head != value:
        rest = value[max(value.rfind(")"), value.rfind("]")) + 1 :]
        return (any(parts) or not rest) and (not rest or rest == value or rest[0] in ".[(")
    return (len(parts) > 1 or (value.isupper() and "_" in value)) and not any(map(str.isdigit, value))


def _is_dotted_name(value: str) -> bool:
    """`com.example.service/4505`: a name in a name space, perhaps with a number at its end."""
    *parts, last = value.replace("/", ".").replace(":", ".").split(".")
    names = [*parts, *([] if last.isdigit() else [last])]
    return len(parts) > 1 and all(part.isidentifier() for part in names) and not any(map(str.isdigit, "".join(names)))


def is_path(value: str) -> bool:
    """Whether the value is a place in a file system, where a secret is kept but not told."""
    parts = value.replace("\\", "/").strip("/").split("/")
    if len(parts) < 2 or not (value[0] in "/.~" or value[1:3] in {":\\", ":/"}):
        return False
    return all(
        part.replace("-", "").replace("_", "").replace(".", "").isalnum() and not is_random(part, 16) for part in parts[1:]
    )


_DIGITS_LEAST = {"card": 12, "ssn": 7, "phone": 7, "account": 5, "identity": 4, "one-time": 3}


def fits(rule: str, value: str) -> bool:
    """Whether a value can be what its name says: a card has digits. Other rules take any value."""
    return sum(map(str.isdigit, value)) >= _DIGITS_LEAST.get(rule, 0)


def is_hex(value: str) -> bool:
    """Whether every character is a hexadecimal digit."""
    return HEX.issuperset(value)


def is_uuid(value: str) -> bool:
    """Whether the value is a UUID with its dashes."""
    return len(value) == 36 and all(value[at] == "-" for at in _UUID_DASHES) and HEX.issuperset(value.replace("-", ""))


def switches(value: str) -> int:
    """How often the class of character (lower, upper, digit) changes from one character to the next."""
    return sum(left != right for left, right in pairwise(value.translate(CLASSES)))


def is_random(value: str, least: int = 12) -> bool:
    """Whether the value looks drawn at random: letters and digits mixed as no name, path, date or version mixes them.

    A random base-36 string switches class at 40 % of its places, base 62 at 62 %; identifiers stay under 25 %.
    """
    if len(value) < least or value.isdigit() or is_uuid(value) or " " in value or "/" in value[:2]:
        return False
    if value[-5:].rpartition(".")[2].isalpha() and "." in value[-5:]:
        return False  # a file's name
    core = "".join(filter(str.isalnum, value))
    if len(core) < least * 3 // 4 or (core.isalpha() and (core.islower() or core.isupper())):
        return False
    if len(set(core.lower())) < 6:
        return False
    if core.isalpha():
        return len(core) >= 20 and switches(core) * 100 >= len(core) * 38
    return switches(core) * 100 >= len(core) * 26 or (is_hex(core) and len(core) >= 24)


def bytes_of(text: str) -> bytes:
    """The text with one byte per character, so that RE2's offsets are the text's: everything outside ASCII becomes `?`."""
    return text.encode("ascii", "replace")


# A percent-encoded octet ends in letters or digits, but is a separator: %3D, and encoded again, %253D.
OCTET: Final = r"%(?:25)*[0-9A-Fa-f]{2}"
_OCTET = re2.compile(OCTET.encode())
_OCTET_CHARS_MAX = 64


def octet_end(text: str, start: int) -> int:
    """Where the percent-encoded octet at `start` ends; `start` where there is none."""
    if start < 0 or text[start] != "%":
        return start
    octet = _OCTET.match(bytes_of(text[start : start + _OCTET_CHARS_MAX]))
    return start + (octet.end() if octet is not None else 0)


_VERSION = re2.compile(rb"[vV^~=<>!]{0,3} ?[0-9][0-9A-Za-z.+!_-]{0,40}")


def is_version(value: object) -> bool:
    """Whether a value is what a module's version looks like, so that it stays under whatever name the module has."""
    return isinstance(value, str) and _VERSION.fullmatch(bytes_of(value)) is not None and not is_random(value, 20)


Check = Callable[[str, int, int], bool]


def is_kept_under_key(value: str) -> bool:
    """Whether a value under a telling key stays: nothing, a mask, a Python object's repr, or removed before."""
    inner = value.strip("'\" ")
    if not any(map(str.isalnum, inner)) or is_redacted(inner) or inner.lower() in _NOTHING:
        return True
    return inner.startswith("<") and inner.endswith(">") and (" at 0x" in inner or inner.startswith(("<class ", "<function ")))


_NOTHING = frozenset({"none", "null", "nil", "undefined", "true", "false"})
_VERSION_KEYS = ("version", "release", "build")


def is_version_field(node: tuple[object, int, object, object], key: object) -> bool:
    """Whether what looks like an IP address there is a version: in the map of modules, or under a key that says so."""
    value, parent, name, _ = node
    return (parent == 0 and name == "modules" and isinstance(value, dict)) or str(key).lower().endswith(_VERSION_KEYS)
