"""Redaction the slow way: every string and every key, one by one, nothing skipped and nothing remembered.

The fast way (lib/redaction/visit.py, look.py) must remove exactly the same.
"""

from typing import Any

from lib.redaction import BUILT_IN, Rules
from lib.redaction.beside import PAIR_KEYS_MAX, is_attached, is_named, is_pair_name, is_pair_value
from lib.redaction.commands import flags_of
from lib.redaction.holes import rules_of_holes
from lib.redaction.names import judge, rule_of_name
from lib.redaction.text import clean, hashed, placeholder
from lib.redaction.values import fits, is_kept_under_key, is_random, is_version
from lib.redaction.visit import CARD_NUMBER_END, CARD_NUMBER_MIN, PARAMS, PERSONAL, TEMPLATES


def reference(payload: dict[str, Any], rules: Rules = BUILT_IN) -> dict[str, Any]:
    """The payload as `redact` must return it (without exceptions, renamed keys that collide, and limits)."""
    done = {cleaned_key(key, rules): _top(cleaned_key(key, rules), value, rules) for key, value in payload.items()}
    return _with_value(done, payload, rules)


def cleaned_key(key: str, rules: Rules) -> str:
    return clean(key, rules.treatments, rules.own).text


def _top(key: str, value: Any, rules: Rules) -> Any:
    if key == "modules" and isinstance(value, dict):
        done = {cleaned_key(name, rules): _module(cleaned_key(name, rules), child, rules) for name, child in value.items()}
        return _with_value(done, value, rules)
    if key == "user" and isinstance(value, dict):
        done = {cleaned_key(name, rules): _child(cleaned_key(name, rules), child, rules) for name, child in value.items()}
        people = {name: _person(name, value[name], rules) for name in ("email", "ip_address") if isinstance(value.get(name), str)}
        return _with_value(done | people, value, rules)
    return _child(key, value, rules)


def _module(name: str, value: Any, rules: Rules) -> Any:
    return _version(value, rules) if is_version(value) or not judge(name, rules.extra_keys) else _child(name, value, rules)


def _version(value: Any, rules: Rules) -> Any:
    if (
        isinstance(value, str)
        and " " not in value
        and ":" not in value
        and set(clean(value, rules.treatments, rules.own).rules) == {"ip"}
    ):
        return value
    return _plain(value, rules)


def _person(name: str, value: str, rules: Rules) -> str:
    treatment = rules.user_email if name == "email" else rules.user_ip
    if treatment == "keep" or not any(map(str.isalnum, value)) or value.startswith(("[redacted:", "hmac:", "{{")):
        return value
    key = rules.treatments.key
    return hashed(key, value) if treatment == "hash" and key else placeholder("email" if name == "email" else "ip")


def _child(key: str, value: Any, rules: Rules) -> Any:
    verdict = judge(key, rules.extra_keys)
    if verdict is not None and verdict.sure:
        return _secret(value, verdict.rule, rules)
    if verdict is not None and isinstance(value, str) and is_random(value.strip("'\"")):
        return placeholder(verdict.rule)
    if isinstance(value, str) and key.lower().endswith(("version", "release", "build")):
        return _version(value, rules)
    return _plain(value, rules)


def _secret(value: Any, rule: str, rules: Rules) -> Any:
    if isinstance(value, dict):
        return {cleaned_key(key, rules): _secret(child, rule, rules) for key, child in value.items()}
    if isinstance(value, list):
        return [_secret(child, rule, rules) for child in value]
    if value is None or isinstance(value, bool):
        return value
    if rule in PERSONAL and (not fits(rule, str(value)) or (rule == "phone" and rules.treatments.phone == "keep")):
        return _plain(value, rules)
    if is_kept_under_key(value) if isinstance(value, str) else not fits(rule, str(value)):
        return _plain(value, rules)
    return placeholder(rule)


def _plain(value: Any, rules: Rules) -> Any:
    if isinstance(value, dict):
        return _with_value(
            {cleaned_key(key, rules): _child(cleaned_key(key, rules), child, rules) for key, child in value.items()}, value, rules
        )
    if isinstance(value, list):
        return _with_neighbours([_plain(child, rules) for child in value], value, rules)
    if isinstance(value, str):
        return clean(value, rules.treatments, rules.own).text
    if isinstance(value, (int, float)) and not isinstance(value, bool) and CARD_NUMBER_MIN <= value < CARD_NUMBER_END:
        cleaned = clean(str(int(value)), rules.treatments, rules.own)
        return cleaned.text if cleaned.rules else value
    return value


def _with_value(done: dict[str, Any], value: dict[str, Any], rules: Rules) -> dict[str, Any]:
    is_pair = len(value) <= PAIR_KEYS_MAX
    names = [
        rule_of_name(child, rules.extra_keys) for key, child in value.items() if is_pair_name(key) and isinstance(child, str)
    ]
    rule = next(filter(None, names), None)
    for key, child in value.items():
        if rule and is_pair and is_pair_value(key):
            done[cleaned_key(key, rules)] = _secret(child, rule, rules)
        elif key in PARAMS and isinstance(child, list) and not _is_sure(key, rules):
            done[key] = _with_neighbours([_plain(item, rules) for item in child], child, rules, _holes(value, rules))
    return done


def _is_sure(key: str, rules: Rules) -> bool:
    verdict = judge(key, rules.extra_keys)
    return verdict is not None and verdict.sure


def _holes(value: dict[str, Any], rules: Rules) -> dict[int, str]:
    texts = [value[key] for key in TEMPLATES if isinstance(value.get(key), str)]
    return {at: rule for text in texts for at, rule in rules_of_holes(text, rules).items()}


def _with_neighbours(done: list[Any], value: list[Any], rules: Rules, holes: dict[int, str] | None = None) -> list[Any]:
    flags = flags_of(value[0]) if value else frozenset()
    for at, child in enumerate(value):
        rule = (holes or {}).get(at)
        name = value[at - 1] if at else None
        if isinstance(name, str) and is_named(value, at):
            rule = ("password" if name in flags else rule_of_name(name, rules.extra_keys)) or rule
        if rule is not None or is_attached(child, flags):
            done[at] = _secret(child, rule or "password", rules)
    return done
