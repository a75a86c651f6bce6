"""What a project removes: the built-in rules, its own names and patterns, its exceptions, and how people are treated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import re2

from lib.redaction import names
from lib.redaction.memo import Memo
from lib.redaction.own import Own, own
from lib.redaction.text import REMOVE_ALL, Treatment, Treatments

KEYS_MAX = 100
KEY_CHARS_MAX = 80
PATTERNS_MAX = 20
PATTERN_CHARS_MAX = 200
PATTERN_MEMORY_BYTES_MAX = 1 << 20
SAFE_FIELDS_MAX = 100
SAFE_FIELD_CHARS_MAX = 200
COMPILED_MAX = 32


class RuleError(ValueError):
    """A project's rule that cannot be used; the message says which and why."""


class KeyNameError(RuleError):
    """A key name without letters, too long, or one too many."""


class PatternError(RuleError):
    """A pattern RE2 does not take, one that matches nothing at all, too long, or one too many."""


class SafeFieldError(RuleError):
    """An exception that is no dotted path, or one too many."""


class TreatmentError(RuleError):
    """A treatment of e-mail or IP addresses that does not exist, or a hash without a key."""


@dataclass(frozen=True, eq=False)
class Rules:
    """Compiled and immutable; made by `compile_rules`. BUILT_IN is what every project starts from."""

    extra_keys: frozenset[tuple[str, ...]] = frozenset()
    extra_patterns: tuple[str, ...] = ()
    safe_fields: tuple[tuple[str, ...], ...] = ()
    treatments: Treatments = REMOVE_ALL
    user_email: Treatment = "remove"
    user_ip: Treatment = "remove"
    own: Own | None = None
    memo: Memo = field(default_factory=Memo, repr=False)


BUILT_IN = Rules()


@lru_cache(maxsize=COMPILED_MAX)
def _compiled(
    extra_keys: tuple[str, ...],
    extra_patterns: tuple[str, ...],
    safe_fields: tuple[str, ...],
    email: Treatment | None,
    ip: Treatment | None,
    phone: Treatment,
    hash_key: bytes | None,
) -> Rules:
    treatments = Treatments(email or "remove", ip or "remove", phone, hash_key)
    finds = own(_keys(extra_keys), _patterns(extra_patterns))
    # A key is remembered with what became of it: a kept address in one would be kept for everybody.
    is_built_in = finds is None and treatments._replace(key=None) == REMOVE_ALL
    return Rules(
        extra_keys=_keys(extra_keys),
        extra_patterns=extra_patterns,
        safe_fields=_safe(safe_fields),
        treatments=treatments,
        user_email=_person("e-mail", email, hash_key),
        user_ip=_person("IP", ip, hash_key),
        own=finds,
        memo=BUILT_IN.memo.share(texts=finds is None, keys=is_built_in),
    )


def compile_rules(
    *,
    extra_keys: Iterable[str] = (),
    extra_patterns: Iterable[str] = (),
    safe_fields: Iterable[str] = (),
    email: Treatment | None = None,
    ip: Treatment | None = None,
    phone: Treatment = "remove",
    hash_key: bytes | None = None,
) -> Rules:
    """A project's rules on top of the built-in ones; compiling the same again costs nothing.

    extra_keys: names whose values are removed, compared by words (`customerCode` is `customer_code`).
    extra_patterns: RE2 expressions whose matches are removed from text. safe_fields: dotted paths that are left alone,
    `*` for any one step, each with everything below it. email, ip: keep, hash or remove, wherever they stand; None
    removes them from text, and hashes `user.email` and `user.ip_address` if there is a hash_key. phone: keep or remove.
    hash_key: the workspace's key for HMAC-SHA256. Raises a subclass of RuleError.
    """
    if phone not in {"keep", "remove"}:
        raise TreatmentError(f"telephone numbers can be kept or removed, not {phone!r}")
    return _compiled(tuple(extra_keys), tuple(extra_patterns), tuple(safe_fields), email, ip, phone, hash_key)


def _person(what: str, treatment: Treatment | None, key: bytes | None) -> Treatment:
    if treatment is None:
        return "hash" if key else "remove"
    if treatment not in {"keep", "hash", "remove"}:
        raise TreatmentError(f"{what} addresses can be kept, hashed or removed, not {treatment!r}")
    if treatment == "hash" and not key:
        raise TreatmentError(f"hashing {what} addresses needs a key")
    return treatment


def _keys(extra: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    if len(extra) > KEYS_MAX:
        raise KeyNameError(f"{len(extra)} key names; at most {KEYS_MAX}")
    found = set()
    for name in extra:
        parts = tuple(names.words(name))
        if not parts or len(name) > KEY_CHARS_MAX:
            raise KeyNameError(f"key name {name[:KEY_CHARS_MAX]!r} needs a letter and at most {KEY_CHARS_MAX} characters")
        found.add(parts)
    return frozenset(found)


def _safe(fields: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    if len(fields) > SAFE_FIELDS_MAX:
        raise SafeFieldError(f"{len(fields)} safe fields; at most {SAFE_FIELDS_MAX}")
    for path in fields:
        if len(path) > SAFE_FIELD_CHARS_MAX or not all(path.split(".")) or set(path) <= set("*."):
            raise SafeFieldError(f"safe field {path[:SAFE_FIELD_CHARS_MAX]!r} is no dotted path such as extra.order.*")
    return tuple(tuple(path.split(".")) for path in fields)


def _patterns(patterns: tuple[str, ...]) -> tuple[Any, ...]:
    if len(patterns) > PATTERNS_MAX:
        raise PatternError(f"{len(patterns)} patterns; at most {PATTERNS_MAX}")
    return tuple(map(_pattern, patterns))


def _pattern(pattern: str) -> Any:
    if not pattern or len(pattern) > PATTERN_CHARS_MAX:
        raise PatternError(f"pattern {pattern[:40]!r} needs 1 to {PATTERN_CHARS_MAX} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY_BYTES_MAX
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        cause = error.args[0] if error.args else "not understood"
        raise PatternError(f"pattern {pattern!r}: {cause.decode() if isinstance(cause, bytes) else cause}") from None
    if compiled.search("") is not None or compiled.fullmatch("") is not None:
        raise PatternError(f"pattern {pattern!r} matches the empty string, so it would match everywhere")
    return compiled
