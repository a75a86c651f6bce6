"""Values that the text itself names: `password=…`, `"token": "…"`, `<apiKey>…</apiKey>`, `--secret …`, `passwd is …`.

The pattern finds a telling word, the rest of the name and what joins it to a value; Python then reads the whole name,
judges it by its words (names.py), finds where the value ends, and leaves values that are no secrets (values.py).
"""

from __future__ import annotations

import re
import string

import re2

from lib.redaction import checks
from lib.redaction.names import NAME_CHARS_MAX, WORDS, Verdict, judge, judge_common, words
from lib.redaction.values import bytes_of, fits, is_code, is_path, is_random, is_redacted, is_stand_in, switches

Names = frozenset[tuple[str, ...]]

VALUE_CHARS_MAX = 4_096
DELIMITER_CHARS_MAX = 64


def _word(word: str, *, whole: bool = False) -> str:
    """A short word that tells only as a word of a name: `user_tel`, `userTel`, `tel2`, not `hotel`. whole: not `telnet`."""
    begun = rf"(?:(?:\b|[_0-9]){word}|(?-i:[a-z]{word[0].upper()}){word[1:]})"
    return begun + (r"(?:\b|[_0-9]|(?-i:[A-Z]))" if whole else "")


_SHORT = "|".join(
    [_word(word) for word in ("mdp", "dni", "cpf", "bsn", "tfn", "pw")]
    + [_word(word, whole=True) for word in ("tel", "fax", "nie", "nif", "ein", "itin", "cle")]
)
TELLING = (
    r"pass|pwd|psw|pword|senha|contrase|wachtwoord|parola|secret|token|cred|auth|key|cookie|sess|sid|csrf|xsrf|otp|pin|cvv|cvc|"
    r"ssn|sig|salt|jwt|bearer|hook|licen[cs]e|seed|sas|ticket|access[_.-]?id|client[_.-]?id|mnemonic|card|code|conn|mot|haslo|"
    r"salasana|number|account|app[_.-]?id|social|national|tax|two|nino|pan|iban|psk|jelsz|heslo|sifre|sandi|losenord|"
    r"kennwort|losungs|geheim|segre[dt]o|hemlighet|jeton|zugang|adgang|karten|konto|steuer|remember|burgerservice|codice|acct|"
    r"phone|telefon|mobile|msisdn|birth|dob|geburt|saml|phrase|answer|verifier|assertion|identi(?:ty|fication)|insurance|medicare|magic|clearance|memorable|bank|"
    r"cnpj|curp|pesel|personnum|aadha|de[_.-]?passe|pw(?:\b|[_0-9]|(?-i:[A-Z]))|ccnum|cc[_.-]?n|sleutel|"
    rf"cle[_.-]?(?:api|se[cg]r|priv|ac)|clave|chave|chiave|schluessel|nyckel|mat[_.-]?khau|{_SHORT}"
)
# Quotes and brackets as they are, and URL-encoded, once or again (%22, %2522), with backslashes before them (%5C).
_CLOSE = r"(?:[\\\"'`\])]|%(?:25)*(?:22|27|5[CcDd]))*"
_OPERATOR = (
    r"(?:[ \t]*(?:\?|\.|\+|!|\|\||\?\?|:{0,3})?={1,3}>?[ \t(]*|[ \t]*:{1,2}[ \t\r\n]*(?:[A-Za-z]{1,12}[ \t]*=[ \t]*)?|"
    r"[ \t]*[-=]>[ \t]*|>\s*|%(?:25)*3[DdAa](?:%(?:25)*20|\+)?|[\"'`][ \t]*,[ \t]*|[\"'][ \t]+value=|"
    r"[ \t]*\([ \t]*[\"'`]|\??[ \t]+[\"'`]|[ \t]+(?:string|str|String|text)[ \t]*=[ \t]*|[ \t]+(?:is|was)[ \t:]+|"
    # {"name": "password", "value": "…"}, - name: password⏎  value: …, <key>password</key><string>…</string>
    r"[ \t\r\n]*[,;\n][ \t\r\n]*[\\\"'`]*(?:[A-Za-z]{0,9}[Vv]alue|VALUE|v|V|val|content)[\\\"'`]*[ \t]*(?:=>|[:=])[ \t]*|"
    r"</[A-Za-z]{1,12}>\s*<(?:[A-Za-z]{0,9}value|string|val)>)"
)


def named_pattern(telling: str) -> str:
    """A name with a `telling` part, up to where its value begins."""
    return rf"(?i)(?:{telling})[A-Za-z0-9_.\-?]*{_CLOSE}{_OPERATOR}"


def flag_pattern(telling: str) -> str:
    """A command-line flag with a `telling` part, up to where its value begins."""
    return rf"(?i)(?:^|[\s\x00\"'=(\[])--?[A-Za-z0-9_.\-]*(?:{telling})[A-Za-z0-9_.\-]*[ \t]+"


def name_pattern(telling: str) -> str:
    """A string that is nothing but a name with a `telling` part: its value may stand beside it, in a list or a map."""
    return rf"(?i)(?:^|\x00)(?:-{{0,2}}[A-Za-z0-9_.\-]*(?:{telling})[A-Za-z0-9_.\-]*|-[auwp])(?:$|\x00)"


# The other way round: {"value": "…", "name": "password"}.
BEFORE_NAME_PATTERN = (
    r"(?i)(?:value|\bval|\bv|content)[\\\"']+[ \t]*:[ \t]*[\\\"']+([^\"'\\]+)[\\\"']+\s*,\s*[\\\"']+"
    rf"(?:[a-z]{{0,9}}key|[a-z]{{0,9}}name|k|id|header|field|param)[\\\"']+\s*:\s*[\\\"']+[A-Za-z0-9_.\-]*(?:{TELLING})[A-Za-z0-9_.\-]*[\\\"']"
)
_NAME_AFTER = re.compile(r"[\\\"']+\s*,[^:]{1,64}:\s*[\\\"']+([A-Za-z0-9_.\-]{1,96})")
# The same for telling words in letters beyond ASCII, of which a pattern over bytes sees nothing.
_LETTERS = r"[\pL\pN\pM_.\-]*"
_BEYOND = "|".join(sorted(word for word in WORDS if not word.isascii()))
FOREIGN_PATTERN = rf"(?i)(?:{_BEYOND}){_LETTERS}{_CLOSE}(?:{_OPERATOR}|[ \t]*[：＝][ \t]*)"
FOREIGN_ANY_PATTERN = rf"{FOREIGN_PATTERN}|^-{{0,2}}{_LETTERS}(?:{_BEYOND}){_LETTERS}$"
PATTERN, FLAG_PATTERN, NAME_PATTERN = named_pattern(TELLING), flag_pattern(TELLING), name_pattern(TELLING)

_NAME_CHARS = string.ascii_letters + string.digits + "_.-"
_UNQUOTED = re.compile(r"[^ \t\r\n,;&\"'`<|]*")  # one class: linear
_ENCODED_JOINT = re.compile(r"%((?:25)*)3[DdAa]\Z")
_JOINTS = dict.fromkeys(map(ord, "-_./: "))
_BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}
_QUOTE = re2.compile(rb"(?:\\|%(?:25)*5[Cc])*(?:[\"'`]|%(?:25)*2[27])")


# Functions that take something else than the secret they speak of: `decode_cookie("…")`, `verify_token("…")`.
QUESTIONS = frozenset(
    """get has is decode encode parse verify validate check hash create make generate find load read fetch delete remove
    revoke refresh require compare split sign format build new next peek expect match test assert""".split()  # noqa: SIM905
)


def locate(text: str, start: int, end: int, extra: Names = frozenset()) -> tuple[int, int, str] | None:
    """The value's span and the rule of its name, for a match of PATTERN at start:end. extra: a project's own names, as words."""
    name, name_end = _name(text, start, end)
    if text.endswith("[redacted:", 0, name_end - len(name)):
        return None  # a placeholder tells nothing of what follows
    is_common = not extra and len(name) <= 24 and name.replace("_", "").isalpha()
    verdict = judge_common(name) if is_common else judge(name, extra)
    if verdict is None:
        return None
    if text[name_end : name_end + 1] == ">" and text[max(0, start - NAME_CHARS_MAX) : start].rfind("<") < 0:
        return None
    joint = text[name_end:end]
    if joint[-1:] in {'"', "'", "`"} and ("(" in joint or joint[-2:-1].isspace() or joint[0] == "?"):
        end -= 1  # the joint reaches into the value's quotes
    called = "(" in joint and "=" not in joint
    if called and words(name)[0] in QUESTIONS:
        return None
    if ("," in joint or "(" in joint or end < name_end + len(joint)) and not (verdict.sure and _is_literal(text, end)):
        return None
    return _value(text, end, verdict, name)


def locate_flag(text: str, start: int, end: int, extra: Names = frozenset()) -> tuple[int, int, str] | None:
    """The same for a match of FLAG_PATTERN: the flag's value is the next word."""
    name = text[start:end].strip(" \t\r\n\"'=([-")
    verdict = judge(name, extra)
    if verdict is None or text[end : end + 1] == "-":
        return None
    return _value(text, end, verdict, name)


def locate_before_name(text: str, start: int, end: int) -> tuple[int, int, str] | None:
    """The same for a value whose name comes after it, for a match of BEFORE_NAME_PATTERN."""
    found = _NAME_AFTER.match(text, end)
    verdict = judge(found[1]) if found is not None else None
    value = text[start:end]
    if verdict is None or is_stand_in(value) or not (verdict.sure and fits(verdict.rule, value)):
        return None
    return start, end, verdict.rule


def _is_literal(text: str, start: int) -> bool:
    """After `"name", ` and `name("`: whether the value is no name itself, as in lists of columns and in look-ups."""
    first, last, quoted = _extent(text, start)
    letters = text[first:last].translate(_JOINTS)
    named = letters.isalpha() and switches(letters) * 100 < 38 * len(letters)
    return quoted and text[last + 1 : last + 2] != "." and not named


def _name(text: str, start: int, end: int) -> tuple[str, int]:
    """The whole name around the telling word at `start`, and where it ends."""
    before = text[max(0, start - NAME_CHARS_MAX) : start]
    first = start - len(before) + len(before.rstrip(_NAME_CHARS))
    if not text.isascii():
        while first > start - len(before) and (text[first - 1].isalnum() or text[first - 1] in _NAME_CHARS):
            first -= 1
    if first and text[first - 1] == "\\" and text[first] in "nrt" and first < start:
        first += 1  # an escaped line break before the name
    if first and text[first - 1] == "%":  # what an encoded separator leaves of itself: %3D, %253D
        while text.startswith("25", first) and first + 2 < start:
            first += 2
        first = min(first + 2, start)
    last = end - len(text[start:end].lstrip(_NAME_CHARS))
    while last < end and not text[last].isascii() and text[last].isalnum():
        last = end - len(text[last + 1 : end].lstrip(_NAME_CHARS))
    return text[first:last], last


def _value(text: str, start: int, verdict: Verdict, name: str) -> tuple[int, int, str] | None:
    first, last, quoted = _extent(text, start, verdict.rule)
    value = text[first:last]
    if not value.strip() or is_stand_in(value) or is_path(value):
        return None
    if not (verdict.sure and fits(verdict.rule, value)) and not is_random(value):
        return None
    if quoted and (_same(value, name) or (text[last : last + 1] == "`" and " " in value)):
        return None
    if not quoted and (
        is_code(value)
        or (value[:1].isupper() and text[last : last + 2].startswith("<") and text[last + 1 : last + 2] != "/")
        or _is_prose(text, start, last, value)
        or value.lower().strip("_") in name.lower()
    ):
        return None
    return first, last, verdict.rule


def _same(value: str, name: str) -> bool:
    """Whether a value only repeats its name, as in tables of names."""
    return value.lower().replace("-", "_") == name.lower().replace("-", "_")


def _extent(text: str, start: int, rule: str = "") -> tuple[int, int, bool]:
    """Where the value lies: inside its quotes (also escaped or URL-encoded ones), or up to the next separator."""
    stop = min(len(text), start + VALUE_CHARS_MAX)
    first = start
    while first < stop and text[first] in " \t\r\n":
        first += 1
    if text[first : first + 1] in {"@", "f", "b", "r", "u"} and text[first + 1 : first + 2] in {'"', "'"}:
        first += 1  # C# and Python string prefixes
    if text.startswith("[", first) and not is_redacted(text[first : first + DELIMITER_CHARS_MAX]):
        first += 1  # a list of one, as Go prints headers
    quote = _QUOTE.match(bytes_of(text[first : first + DELIMITER_CHARS_MAX]))
    if quote is not None:
        return _quoted(text, first, first + quote.end(), stop, rule)
    first = _after_scheme(text, first, stop, rule)
    last = _parameters_end(text, first, stop) if rule == "auth" else first
    return first, max(last, _unquoted_end(text, first, stop)), False


def _quoted(text: str, opening: int, first: int, stop: int, rule: str) -> tuple[int, int, bool]:
    delimiter = text[opening:first]
    last = text.find(delimiter, first, stop)
    while last > first and text[last - 1] == "\\" and delimiter[0] != "\\" and text[last - 2] != "\\":
        last = text.find(delimiter, last + 1, stop)
    if last < 0:
        last = text.find("\n", first, stop)
    first = _after_scheme(text, first, stop if last < 0 else last, rule)
    return first, max(first, stop if last < 0 else last), True


_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|digest|negotiate|apikey|api-token|key)\Z")
_SCHEME_CHARS_MAX, _PARAMETERS_CHARS_MAX = 32, 2_048


def _after_scheme(text: str, first: int, stop: int, rule: str) -> int:
    """Skips `Bearer`, `Basic`, `Token` before the credentials themselves, so that the kind stays readable.

    After a name such as `Authorization` any word is a kind, if what follows it looks like credentials.
    """
    space = text.find(" ", first, min(stop, first + _SCHEME_CHARS_MAX))
    if space <= first:
        return first
    scheme, after = text[first:space], space + 1
    while after < stop and text[after] == " ":
        after += 1
    if _SCHEME.match(scheme):
        return after
    if rule == "auth" and scheme.replace("-", "").replace("_", "").isalnum() and scheme[0].isalpha():
        value = text[after : _unquoted_end(text, after, stop)]
        if any(map(str.isdigit, value)) and len(value) >= 6:
            return after
    return first


_PARAMETERS = re.compile(
    r"""(?:[A-Za-z_-]{1,40}=(?:\\?"[^"\r\n]*"|[^\s,"']*)(?:,[ \t]*|[ \t]+(?=[A-Za-z_-]{1,40}=)|(?=\s|$|["'\]])))+"""
)


def _parameters_end(text: str, first: int, stop: int) -> int:
    """Where `username="bob", response="…"` ends, which are one credential; `first` where there is no such list."""
    found = _PARAMETERS.match(text, first, min(stop, first + _PARAMETERS_CHARS_MAX))
    return found.end() if found is not None else first


def _unquoted_end(text: str, first: int, stop: int) -> int:
    """Up to the next separator, less the brackets and stops that close what was opened before the value."""
    found = _UNQUOTED.match(text, first, stop)
    last = found.end() if found is not None else first
    joint = _ENCODED_JOINT.search(text[max(0, first - DELIMITER_CHARS_MAX) : first])
    if joint is not None:  # a pair in an encoded query ends where the next one begins, encoded as often
        ends = (text.find(f"%{joint[1]}{octet}", first, last) for octet in ("26", "23", "20", "0A", "3B", "3b"))
        last = min([last, *(end for end in ends if end >= 0)])
    while last > first and (text[last - 1] in ".:" or _closes(text, first, last)):
        last -= 1
    return last


def _closes(text: str, first: int, last: int) -> bool:
    opening = _BRACKETS.get(text[last - 1])
    return opening is not None and text.count(opening, first, last) < text.count(text[last - 1], first, last)


def _is_prose(text: str, start: int, last: int, value: str) -> bool:
    """Whether the value is a word of a sentence: letters only, after `is`, or before another word."""
    if not value.isalpha() or not value.islower():
        return False
    if text[max(0, start - 4) : start].strip() in {"is", "was"}:
        return True
    following = text[last : last + 24].split(" ", 2)
    return text[last : last + 1] == " " and len(following) > 1 and following[1].strip(".,!").isalpha() and following[1].islower()


def locate_phone(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The number of a match that may begin with a word such as `phone`."""
    first = start
    while first < end and not (text[first].isdigit() or text[first] in "+("):
        first += 1
    return (first, end) if checks.is_phone(text, first, end) else None
