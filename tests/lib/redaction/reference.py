"""Redaction the slow way: every string and every key, one by one, nothing skipped and nothing remembered.

The fast way (lib/redaction/walk.py) must remove exactly the same.
"""

from typing import Any

from lib.redaction import BUILT_IN, Rules
from lib.redaction.names import judge, rule_of_name
from lib.redaction.text import clean, hashed, placeholder
from lib.redaction.values import fits, is_kept_under_key, is_random
from lib.redaction.walk import CARD_NUMBER_END, CARD_NUMBER_MIN

NAMES = ("name", "key", "header", "attribute")


def reference(payload: dict[str, Any], rules: Rules = BUILT_IN) -> dict[str, Any]:
    """The payload as `redact` must return it (without exceptions, renamed keys that collide, and limits)."""
    done = {cleaned_key(key, rules): _top(cleaned_key(key, rules), value, rules) for key, value in payload.items()}
    return _with_value(done, payload, rules)


def cleaned_key(key: str, rules: Rules) -> str:
    return clean(key, rules.treatments, rules.own).text


def _top(key: str, value: Any, rules: Rules) -> Any:
    if key == "modules" and isinstance(value, dict):
        return _with_value({cleaned_key(name, rules): _version(child, rules) for name, child in value.items()}, value, rules)
    if key == "user" and isinstance(value, dict):
        done = {cleaned_key(name, rules): _child(cleaned_key(name, rules), child, rules) for name, child in value.items()}
        people = {name: _person(name, value[name], rules) for name in ("email", "ip_address") if isinstance(value.get(name), str)}
        return _with_value(done | people, value, rules)
    return _child(key, value, rules)


def _version(value: Any, rules: Rules) -> Any:
    if isinstance(value, str) and " " not in value and set(clean(value, rules.treatments, rules.own).rules) == {"ip"}:
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
    if "value" in value:
        names = [rule_of_name(value[key], rules.extra_keys) for key in NAMES if isinstance(value.get(key), str)]
        rule = next(filter(None, names), None)
        done |= {"value": _secret(value["value"], rule, rules)} if rule else {}
    return done


def _with_neighbours(done: list[Any], value: list[Any], rules: Rules) -> list[Any]:
    for at, text in enumerate(value[:-1]):
        rule = rule_of_name(text, rules.extra_keys) if isinstance(text, str) else None
        following = value[at + 1]
        is_flag = rule is not None and text.startswith("-")
        if rule is not None and (is_flag or (at == 0 and len(value) == 2)) and not (is_flag and str(following).startswith("-")):
            done[at + 1] = _secret(following, rule, rules)
    return done
