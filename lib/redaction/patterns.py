"""The table of rules for text: what each removes, where it is looked for, and what must hold besides.

Patterns are RE2 (linear time) over ASCII bytes, one byte per character. Where a pattern has a group, the group is what
is removed. A rule's `locate` narrows, widens or refuses what was found. Formats come from the vendors' documentation.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import NamedTuple

import re2

from lib.redaction import assignments, checks, commands, opaque, tokens
from lib.redaction.values import OCTET, is_hex, is_random, is_redacted, is_stand_in, octet_end

Span = tuple[int, int]
# A span, with a rule's name where the text itself decided which.
Locate = Callable[[str, int, int], Span | tuple[int, int, str] | None]

PEM_CHARS_MAX = 16_384


class TextRule(NamedTuple):
    """name: as in the placeholder. removes: in words. pattern: where to look. locate: the span to remove, or None."""

    name: str
    removes: str
    pattern: str
    locate: Locate


def _where(check: Callable[[str, int, int], bool]) -> Locate:
    return lambda text, start, end: (start, end) if check(text, start, end) else None


def _web_token(text: str, start: int, end: int) -> Span:
    """Without the separator before it, for which a group in the pattern would cost ten times as much."""
    return octet_end(text, start), end


def _always(_text: str, start: int, end: int) -> Span:
    return start, end


_PEM_BODY = re2.compile(r"(?:[A-Za-z0-9+/=,:\s-]|\\[nr])*")


def _pem(text: str, start: int, end: int) -> Span:
    """From BEGIN to END; where END is missing, as far as the text still looks like the body of a key."""
    closing = text.find("-----END", end, end + PEM_CHARS_MAX)
    if closing >= 0:
        stop = text.find("-----", closing + 8, closing + 80)
        return start, stop + 5 if stop >= 0 else closing + 8
    body = _PEM_BODY.match(text[end : end + PEM_CHARS_MAX].encode("ascii", "replace").decode())
    return start, end + (body.end() if body else 0)


def _url_user(text: str, start: int, end: int) -> Span | None:
    """The password of `user:password@`; the user too where it is itself a token."""
    user, colon, password = text[start:end].replace("%3A", ":").replace("%3a", ":").partition(":")
    if not colon:
        return (start, end) if is_random(user, 16) else None
    if is_redacted(password) or not any(map(str.isalnum, password)) or password[:2] in {"${", "{{"} or password[0] in "{<$":
        return None
    return (start, end) if is_random(user, 16) else (end - len(password), end)


URL_PASSWORD_CHARS_MAX = 256
_HOST_END = re.compile(r"[A-Za-z0-9._,:\[\]-]*(?:[/?#\s\"'`<>)};]|\Z)")
_PORT = re.compile(r"[0-9]{0,5}(?:[/?#\s\"'<>\\)\],;]|\Z)")


def _loose_password(text: str, start: int, end: int) -> Span | None:
    """A password in a URL that was not encoded: up to the `@` before a host, whatever characters are in it.

    In a web address an `@` may stand in the path, so the first that can end a password does; a database has no such paths.
    """
    if _PORT.match(text, end):
        return None
    reach = (text[end : end + URL_PASSWORD_CHARS_MAX].split(maxsplit=1) or [""])[0] if not text[end : end + 1].isspace() else ""
    stops = [end + at for at, char in enumerate(reach) if char == "@" and _HOST_END.match(text, end + at + 1)]
    is_web = text[max(0, start - 8) : start + 1].lower().endswith(("http", "https"))
    if not stops or (is_web and not set(text[end : stops[0]]).isdisjoint("\"'<>")):
        return None
    stop = stops[0] if is_web else stops[-1]
    if is_redacted(text[end:stop]) or not any(map(str.isalnum, text[end:stop])):
        return None
    return end, stop


def _credentials(text: str, start: int, end: int) -> Span | None:
    """What follows `Bearer` or `Basic`: not the next word of a sentence."""
    value = text[start:end].rstrip(".,:;")
    if is_stand_in(value) or not value or "://" in value:
        return None
    if is_random(value, 8) or _is_user_and_password(value) or (len(value) >= 16 and not value.isalpha()):
        return start, start + len(value)
    return (start, start + len(value)) if any(map(str.isdigit, value)) and len(value) > 5 else None


def _is_user_and_password(value: str) -> bool:
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def _user_flag(text: str, start: int, end: int) -> Span | None:
    user, _, password = text[start:end].partition(":")
    is_hole = is_stand_in(password) and password.lower() not in {"password", "secret"}
    return None if is_hole or "[redacted" in user or (user.isdigit() and password.isdigit()) else (start, end)


def _flag_value(text: str, start: int, end: int) -> Span | None:
    return None if is_stand_in(text[start:end]) else (start, end)


def _random(text: str, start: int, end: int) -> Span | None:
    return (start, end) if is_random(text[start:end], 20) else None


# Of plain text every third octet has its high bit clear: words seldom look like that three times in a row.
_OF_TEXT = r"[I-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589]"
_USER_PASSWORD = re.compile(r"[\w.@+-]{1,64}:(?!//)([^\s:]{4,})")


def _encoded(text: str, start: int, end: int) -> Span | None:
    """base64 of `user:password` without anything that says so; an identifier such as `User:42` is none."""
    value = text[start:end].rstrip("=")
    if is_hex(value):
        return None  # an id
    try:
        decoded = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    found = _USER_PASSWORD.fullmatch(decoded)
    if found is None or is_stand_in(found[1]) or found[1].isalpha() or is_hex(found[1].replace("-", "")):
        return None
    return start, end


def _email(text: str, start: int, end: int) -> Span | None:
    at = text.find("@", start, end)
    start = max(start, text.rfind("?", start, at if at >= 0 else end) + 1)  # a question mark of the text, no letter beyond ASCII
    mark = text.find("?", start, end)
    end = mark if mark >= 0 else end
    if start == end or "." not in text[max(at, start) : end].rstrip(".") or not checks.is_email(text, start, end):
        return None
    if text[start - 1 : start] == ":" and "://" in text[max(0, start - 100) : start].rsplit(None, 1)[-1]:
        return None  # the password of a URL
    return start, end


def _identity(text: str, start: int, end: int) -> Span | None:
    return (start, end) if sum(map(str.isdigit, text[start:end])) >= 5 else None


_EDGE = rf"(?:^|{OCTET}|[^A-Za-z0-9_])"
_HEX4 = r"[0-9A-Fa-f]{1,4}"
_IPV4 = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"

TEXT_RULES: tuple[TextRule, ...] = (
    TextRule("private-key", "PEM blocks of private keys", r"-----BEGIN[ A-Z0-9]*PRIVATE KEY(?: BLOCK)?-----", _pem),
    TextRule(
        "jwt",
        "JSON web tokens and other base64 of a JSON object, also base64 again",
        rf"(?:\b|{OCTET})(?:eyJ[A-Za-z0-9_-]{{14,}}|ey[A-Za-z0-9_-]{{10,}}\.ey[A-Za-z0-9_-]{{6,}}|ZXlK[A-Za-z0-9+/_-]{{16,}})"
        r"[A-Za-z0-9_=+/.-]*",
        _web_token,
    ),
    TextRule("token", "access tokens with a prefix that is proof", _EDGE + f"({tokens.CERTAIN})", tokens.locate_certain),
    TextRule("token", "access tokens with a likely prefix and a random rest", _EDGE + f"({tokens.LIKELY})", tokens.locate_likely),
    TextRule("webhook", "URLs whose path is the credential", tokens.WEBHOOKS, _always),
    TextRule(
        "userinfo", "the password in a URL", r"[A-Za-z0-9](?::|%3[Aa])(?://|%2[Ff]%2[Ff])([^\s/?#@\"'<>\\]+)(?:@|%40)", _url_user
    ),
    TextRule(
        "userinfo",
        "the password in a URL, with characters that should have been encoded",
        r"[A-Za-z0-9]://[^\s/?#@:\"'<>\\]*:",
        _loose_password,
    ),
    TextRule("userinfo", "the password in user/password@//host", r"[A-Za-z][\w$#]*/([^\s/@\"']+)@//[A-Za-z0-9]", _always),
    TextRule("userinfo", "the password in thin:user/password@host", r"thin:[\w$#]+/([^\s/@\"']+)@", _always),
    TextRule(
        "userinfo",
        "the password after a short flag of a command that has one",
        commands.SHORT_FLAG,
        _flag_value,
    ),
    TextRule(
        "userinfo",
        "the password of `net use`",
        commands.NET_USE,
        _flag_value,
    ),
    TextRule(
        "userinfo",
        "the password in a line of .pgpass",
        commands.PGPASS,
        commands.locate_pgpass,
    ),
    TextRule(
        "opaque",
        "random strings directly behind a word that tells",
        r"(?i)\b(?:(?:api|access|secret|private)[ _-]?key|secret|token|session(?:[ _-]?id)?|password)[ \t]*"
        r"[ \"'(\[]{1,3}([A-Za-z0-9_-]{20,})",
        _random,
    ),
    TextRule(
        "auth",
        "credentials after Bearer, Basic and the like",
        r"(?i)\b(?:bearer|basic|negotiate|token|apikey|api-token)(?:\s|%20|\+)+([A-Za-z0-9._~+/=:|%-]{6,})",
        _credentials,
    ),
    TextRule(
        "userinfo",
        "user:password after -u or --user",
        r"(?:\s-[uU]|--(?:proxy-)?user)[ =]*[\"']?([^\s\"':=-][^\s\"':]*:[^\s\"'/][^\s\"']*)",
        _user_flag,
    ),
    TextRule(
        "card",
        "card numbers (issuer, length, Luhn)",
        r"\b([0-9](?:(?:[ +?-]|%20)?[0-9]){11,18})\b",  # ? for a space that does not break
        _where(checks.is_card),
    ),
    TextRule(
        "iban",
        "international bank account numbers (country, length, mod 97)",
        r"(?i)\b([A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,31})",
        checks.locate_iban,
    ),
    TextRule("ssn", "US social security numbers", r"\b[0-9]{3}[ .-]?[0-9]{2}[ .-]?[0-9]{4}\b", _where(checks.is_ssn)),
    TextRule(
        "wallet",
        "Bitcoin addresses (base58check, bech32)",
        r"\b(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|(?i:bc1)[02-9ac-hj-np-zAC-HJ-NP-Z]{25,71})\b",
        _where(checks.is_wallet),
    ),
    TextRule(
        "email",
        "e-mail addresses",
        r"[A-Za-z0-9_%+?][A-Za-z0-9._%+?-]*(?:@|%40)(?:[A-Za-z0-9?][A-Za-z0-9?-]*\.)+[A-Za-z?]{2,}",
        _email,
    ),
    TextRule(
        "ip",
        "IPv6 addresses",
        rf"(?:{_HEX4}:)*:(?::?{_HEX4}:)*:?{_IPV4}|[0-9A-Fa-f:]*::[0-9A-Fa-f:]*(?:%[A-Za-z0-9]+)?|(?:{_HEX4}:){{6,7}}(?:{_IPV4}|{_HEX4})",
        _where(checks.is_ipv6),
    ),
    TextRule("ip", "IPv4 addresses", rf"\b{_IPV4}", _where(checks.is_ipv4)),
    TextRule(
        "mac",
        "hardware addresses",
        r"\b[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})\b",
        _where(checks.is_mac),
    ),
    TextRule(
        "phone",
        "telephone numbers",
        r"\+[0-9][0-9 ().-]{6,18}[0-9]|\([0-9]{2,5}\) ?[0-9]{3,5}[-. ][0-9]{3,4}|"
        r"\b00[1-9][0-9]{1,2} [0-9][0-9 ()-]{5,15}[0-9]|\b[0-9]{3}[-. ][0-9]{3}[-. ][0-9]{4}\b|"
        r"(?i:phone|mobile|\btel|\bcell|\bfax|whatsapp)[a-z]*[^0-9+(\n]{1,16}(?:[0-9(][0-9 ().-]{5,16}[0-9])",
        assignments.locate_phone,
    ),
    TextRule(
        "identity",
        "numbers of identity documents that the text names",
        r"(?i)(?:passport|driver'?s? licen[cs]e|licen[cs]e plate|social security|\bssn|\bnhs|national insurance|\bnino|"
        r"\btax(?:payer)? id|bank account|routing|medicare|aadhaar|\bcpf|\bcnpj|\bcurp|\bbsn|pesel|"
        r"personnummer|steuer-?(?:id|nummer)|\btfn|\bdni|\bnif|codice fiscale|\bsvnr|s\?cu(?:rit\? sociale)?|\babn|ahv|"
        r"account (?:number|no)|kontonummer|reisepass|personalausweis|passeport|pasaporte|passaporto|identity card|id card)"
        r"(?:[ \t]+(?:number|no\.?|num|id|card|is|was|my|#))*[ \t:#=]*"
        r"\b([A-Z]{0,3}[0-9](?:[ ./-]?[0-9]){4,14}[A-Z]{0,2}|[A-Z0-9][A-Z0-9-]{4,19})\b",
        _identity,
    ),
    TextRule(
        "identity",
        "numbers of a known form whose name is also a word (EIN, SIN, NIE)",
        r"(?i)\b(?:f?ein|employer id(?:entification)?|sin|social insurance|nie)(?:[ \t]+(?:number|no\.?|is))?[ \t\"':#=]*"
        r"\b([0-9]{2}-[0-9]{7}|[0-9]{3}[ -][0-9]{3}[ -][0-9]{3}|[XYZ][ -]?[0-9]{7}[ -]?[A-Z])\b",
        _where(checks.is_formed),
    ),
    TextRule("named", "the value after a telling name (password=…, \"token\": …)", assignments.PATTERN, assignments.locate),
    TextRule("named", "the value before a telling name", assignments.BEFORE_NAME_PATTERN, assignments.locate_before_name),
    TextRule("named", "the value after a telling flag (--password …)", assignments.FLAG_PATTERN, assignments.locate_flag),
    TextRule(
        "userinfo",
        "base64 of user:password",
        rf"(?:^|[^A-Za-z0-9+/_-])((?:{_OF_TEXT}[A-Za-z0-9+/]){{3,}}[A-Za-z0-9+/]{{0,3}}={{0,2}})",
        _encoded,
    ),
    TextRule("opaque", "long random strings", r"(?:^|[^A-Za-z0-9_-])([A-Za-z0-9_-]{24,})", opaque.locate),
)  # fmt: skip
