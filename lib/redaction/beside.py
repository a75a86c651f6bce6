"""What stands beside its name instead of under it: pairs in maps, items of lists."""

from __future__ import annotations

from typing import Any, Final

from lib.redaction.names import rule_of_name
from lib.redaction.rules import Rules
from lib.redaction.values import is_stand_in

# What a name and its value are called where they stand beside each other. Such values are never remembered as plain keys, so
# that the map is looked at.
PAIR_NAMES: Final = (
    "name",
    "key",
    "header",
    "attribute",
    "field",
    "property",
    "param",
    "parameter",
    "variable",
    "setting",
    "option",
)
PAIR_VALUES: Final = ("value", "val", "content")
PAIR_KEYS_MAX = 20  # of a map that may be such a pair


def is_named(value: list[Any], at: int) -> bool:
    """Whether an item is the value of the name before it, and not the next name in a list of names."""
    name, child = value[at - 1], value[at]
    if name.startswith("-"):
        return not str(child).startswith("-")
    return len(value) == 2 or (isinstance(child, str) and any(map(str.isdigit, child)) and not is_stand_in(child))


def is_attached(child: Any, flags: frozenset[str]) -> bool:
    """Whether an item is a short flag with the password in it: `["mysql", "-p…"]`."""
    return "-p…" in flags and isinstance(child, str) and child.startswith("-p") and len(child) > 2


def pair_names(value: dict[Any, Any]) -> tuple[Any, ...]:
    """The keys under which names of the values in the same map may stand: `("name",)` of `{"name": "password", "value": "…"}`."""
    if len(value) > PAIR_KEYS_MAX or not any(map(is_pair_value, value)):
        return ()
    return tuple(filter(is_pair_name, value))


def rule_beside(value: dict[Any, Any], rules: Rules) -> str | None:
    """The rule of the name in `{"name": "password", "value": "…"}`, whatever case the two are called in."""
    names = (value[key] for key in pair_names(value))
    found = (rule_of_name(name, rules.extra_keys) for name in names if isinstance(name, str))
    return next((rule for rule in found if rule is not None), None)


def is_pair_name(key: Any) -> bool:
    """Whether a key says that its value is a name, as `Name`, `k` or `ParameterKey`."""
    kind = str(key).lower()
    return kind in {"k", "id"} or kind.endswith(PAIR_NAMES)


def is_pair_value(key: Any) -> bool:
    """Whether a key says that its value is one that a name stands beside, as `Value`, `v` or `stringValue`."""
    kind = str(key).lower()
    return kind == "v" or kind.endswith(PAIR_VALUES)
