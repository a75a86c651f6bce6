"""Messages without their data: the same words with other ids, numbers, names or addresses give the same text.

A stateless normaliser: it knows nothing of other messages, so it must tell data from words by their looks and their neighbours.
Linear: each token is looked at once, with patterns of possessive or single-class repeats, and its result is cached.
"""

import re
from functools import lru_cache

from lib.fingerprint.v1 import words

HOLE = "<*>"
CACHE_WORDS_MAX = 65_536
_CACHED_CHARS_MAX = 200  # longer tokens are rare and would make the cache heavy
_TRAILING = ".,;:!?"
_LISTED = (HOLE + ",", HOLE + ";")
_CLOSING = _TRAILING + ")]}\"'>"

# Parts of a token that are data as a whole, whatever stands around them.
_REDACTED = re.compile(r"\[redacted[^\]]*+\]|\[filtered\]|\*{3,}+", re.IGNORECASE)
_FORMAT = re.compile(r"%(?:\(\w*+\))?[-+# 0]*+\d*+(?:\.\d++)?[sdifgeExXrcu](?!\w)|\$?\{[\w.!:]*+\}")
_WHOLE = re.compile(
    r"(?<![\w.+-])\w[\w.+-]*+@[\w-]++(?:\.[\w-]++)++"  # e-mail
    r"|(?<![\w.+-])[a-zA-Z][a-zA-Z0-9+.-]*+://"  # URL, without the punctuation of the sentence around it
    r"(?:[^\s\"'<>()\[\]{}|.,;:!?]|[.,;:!?](?=[\w/])|<\*>)*+"
    r"|(?<![\w:])arn:[\w-]++:[\w:/.*+=,@-]*+"  # AWS
    r"|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])"  # IPv6, MAC
    r"|(?<![\w.)\]}~*\\/])(?:[A-Za-z]:|~|\.\.?)?[/\\]"  # path, absolute or from a drive
    r"[^\s\"'<>(){}\[\],;:|=?]++(?:\?[^\s\"'<>(){}\[\]|]*+)?"
)
_PIECES = re.compile(r"(\.{2,}+|[,;:=()\[\]{}<>\"'`|#@]++)")
_JOINED_HOLES = re.compile(r"<\*>(?:[,;:|/#.+~@_x-]{1,3}<\*>)++")
_COLON_HEX = re.compile(r"(?:[0-9a-fA-F]{0,4}:){2,}+[0-9a-fA-F.]*+")  # IPv6, MAC; and times
_COMPARED = re.compile(r"^[<>~≈≤≥]=?(?=\d)")  # <1 sec
_KEY = re.compile(r"[A-Za-z_][\w.-]*+")
_QUOTED_VALUE = re.compile(r"(?<![\w.-])([A-Za-z_][\w.-]*+)( ?= ?)(?:\"[^\"]*+\"|'[^']*+')")

_JSON_VALUE = re.compile(r"([\"'])([A-Za-z_][\w.-]*+)\1(\s?:\s?)(?:\"[^\"]*+\"|'[^']*+'|true|false|null|None|True|False)")
_SQL_LIST = re.compile(r"(\b(?i:values|in) ?)\([^()]*+\)")
_IN_BRACKETS = re.compile(r"=\([^()]*+\)")
_IPV6_PORT = re.compile(r"\[(?:<\*>|[0-9a-fA-F:.]++)\]:\d++")

# Pieces of a token.
_DIGITS = re.compile(r"\d++")
_INNER_DIGITS = re.compile(r"(?:[A-Za-z_$]++\d{1,5}+){1,2}[A-Za-z_$]++")
_SUFFIXED_CODE = re.compile(r"[A-Za-z_$]{16,}+\.?\d++")
_INTERFACE = re.compile(r"(?:awdl|bond|br|en|eth|ham|lo|p2p|ppp|tap|tun|utun|veth|wl|wlan|wlp)\d{1,2}")
_HEX_WORD = re.compile(r"[0-9a-f]{8,}+|[0-9A-F]{8,}+")
_REVERSE_DOMAIN = re.compile(r"(?:com|org|net|io|edu|gov|dev|android|app)(?:\.[\w$-]++){2,}+(?:/[\w.$-]++)?")
_COUNTRY_HOST = re.compile(
    r"(?:[\w-]+\.){2,}(?!am|at|be|by|cc|cs|do|go|hs|id|in|is|it|js|kt|md|me|ml|mm|my|no|pl|pm|ps|py|rb|rs|sh|so|tf|to|ts|us|vb)[a-z]{2}"
)
_HOST = re.compile(
    r"(?:[\w-]+\.)+(?:com|org|net|edu|gov|mil|io|local|localdomain|internal|lan|corp|home|arpa|cloud|dev"
    r"|de|uk|fr|nl|es|eu|ch|dk|fi|se|cz|ru|ua|jp|cn|hk|tw|kr|au|nz|ca|br|mx|ar|za)"
)
_DATA_FILE = re.compile(
    r"[\w.-]+\.(?:avi|bak|bin|bmp|bz2|cfg|conf|crt|csv|dat|db|docx?|exe|gif|gz|html?|ini|jar|jpe?g|json|lock|log|mov|mp3|mp4|parquet"
    r"|pcap|pdf|pem|pid|png|pptx?|rrd|sock|sqlite|svg|tar|tgz|tiff?|tmp|toml|tsv|txt|war|wav|xlsx?|xml|ya?ml|zip)"
)
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*+")


def normalise(message: str) -> str:
    """The message with data replaced by `<*>`, runs of it by one, and white space by single spaces."""
    tokens = _without_values(message).split()
    out: list[str] = []
    last = ""
    for at, token in enumerate(tokens):
        word = _word(token) if len(token) <= _CACHED_CHARS_MAX else _normalise_word(token)
        if word.rstrip(",") in words.CALENDAR and at + 1 < len(tokens) and _is_date(tokens[at + 1]):
            word = HOLE
        elif at >= 2 and not word.startswith(HOLE) and _is_name(tokens, at):
            word = HOLE + word[len(word.rstrip(_CLOSING)) :]
        if last.endswith(_LISTED) and word.startswith(HOLE):
            out[-1] = last = last[:-1]
        if last.endswith(HOLE):
            word = _absorbed(word)
            if word.strip(_CLOSING) == "":
                if word:
                    out[-1] = last = last + word
                continue
        elif word == last and HOLE in word:
            continue
        last = word
        out.append(word)
    return " ".join(out)


def _without_values(message: str) -> str:
    """The message without what stands behind names or in lists and may hold white space."""
    if "[" in message or "***" in message:
        message = _REDACTED.sub(HOLE, message)
    if "=" in message:
        if '"' in message or "'" in message:
            message = _QUOTED_VALUE.sub(_quoted_value, message)
        message = _IN_BRACKETS.sub(f"=({HOLE})", message)
    if '":' in message or "':" in message:
        message = _JSON_VALUE.sub(_json_value, message)
    if "alues" in message or "ALUES" in message or " in (" in message or " IN (" in message:
        message = _SQL_LIST.sub(rf"\1({HOLE})", message)
    return message


def _is_date(token: str) -> bool:
    return token[0].isdigit() or token.rstrip(",") in words.CALENDAR


def _quoted_value(match: re.Match[str]) -> str:
    """A quoted value, which may hold white space, as one hole; a telling one stays."""
    return f"{match[1]}{match[2]}{HOLE}" if _is_data_key(match[1]) else match[0]


def _json_value(match: re.Match[str]) -> str:
    """Likewise in JSON, or as languages print their mappings."""
    return f"{match[1]}{match[2]}{match[1]}{match[3]}{HOLE}" if _is_data_key(match[2]) else match[0]


def _is_name(tokens: list[str], at: int) -> bool:
    """Whether a person's or account's name stands here: `for user x`, `failures for x`, `access for x from`."""
    before = tokens[at - 1]
    if tokens[at] in words.FUNCTION:
        return False
    if before == "user":
        return tokens[at - 2].lower() in words.BEFORE_USER
    is_from = at + 1 < len(tokens) and tokens[at + 1] == "from"
    return before == "for" and (is_from or tokens[at - 2].lower() in words.BEFORE_FOR)


def _absorbed(word: str) -> str:
    """What is left of a word behind a hole: nothing of another hole or of a unit, whose scale varies with the value."""
    if word.startswith(HOLE) and HOLE not in word[len(HOLE) :]:
        rest = word[len(HOLE) :]
        return rest if rest.strip(_CLOSING) == "" else word
    core = word.rstrip(_CLOSING)
    return word[len(core) :] if core in words.UNITS else word


@lru_cache(maxsize=CACHE_WORDS_MAX)
def _word(token: str) -> str:
    return _normalise_word(token)


def _normalise_word(token: str) -> str:
    """One token without white space, its data replaced."""
    if token.isalpha():
        return HOLE if _HEX_WORD.fullmatch(token) else token
    token = _COMPARED.sub("", token)
    if "%" in token or "{" in token:
        token = _FORMAT.sub(HOLE, token)
    if "]:" in token:
        token = _IPV6_PORT.sub(HOLE, token)
    if "/" in token or "\\" in token or "@" in token or token.count(":") > 2:
        token = _WHOLE.sub(HOLE, token)
    core = token.strip(_CLOSING + "([{<")
    if ":" in core and _COLON_HEX.fullmatch(core):
        return token.replace(core, HOLE)
    pieces = _PIECES.split(token.replace(HOLE, "\0"))
    for at in range(0, len(pieces), 2):
        if at >= 2 and pieces[at - 1].rstrip("\"'") == "=" and _is_data_key(pieces[at - 2]):
            pieces[at] = HOLE
        else:
            pieces[at] = _piece(pieces[at])
    return _JOINED_HOLES.sub(HOLE, "".join(pieces).replace("\0", HOLE))


def _is_data_key(key: str) -> bool:
    return _KEY.fullmatch(key) is not None and key.lower() not in words.TELLING_KEYS


def _piece(piece: str) -> str:
    """A piece of a token between brackets, quotes, commas, colons and equal signs."""
    core = piece.rstrip(_TRAILING)
    if not core or (core.isalpha() and not _HEX_WORD.fullmatch(core)):
        return piece
    tail = piece[len(core) :]
    if "\0" in core or core.count("/") > 1 or core.count("\\") > 1:
        return HOLE + tail
    if "." in core and _is_dotted_data(core):
        return HOLE + tail
    if _HEX_WORD.fullmatch(core):
        return HOLE + tail
    if not _DIGITS.search(core) or core.lower() in words.TECHNICAL:
        return piece
    if _INTERFACE.fullmatch(core) or _is_code(core):
        return _DIGITS.sub(HOLE, core) + tail
    return HOLE + tail


def _is_code(core: str) -> bool:
    """Whether a piece is a name in the program that happens to have a digit: `nw_nat64_post`, `flush2DB`."""
    letters = len(core) - sum(map(len, _DIGITS.findall(core)))
    return (letters >= 6 and _INNER_DIGITS.fullmatch(core) is not None) or _SUFFIXED_CODE.fullmatch(core) is not None


def _is_dotted_data(core: str) -> bool:
    """Whether a dotted name is a host, a file, or a package or service; constants and exceptions are the program's words."""
    last = core.rpartition(".")[2]
    if _REVERSE_DOMAIN.fullmatch(core):
        return not _CONSTANT.fullmatch(last) and not last.endswith(("Exception", "Error"))
    if _HOST.fullmatch(core) or _COUNTRY_HOST.fullmatch(core):
        return True
    return _DATA_FILE.fullmatch(core.lower()) is not None
