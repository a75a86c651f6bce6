"""The containers of a payload, in breadth: what keys and neighbours tell of a value, and which strings are left to look at.

What makes an event useful is visited first (parts.py), so that nothing else uses up the work there is for it.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import Any, Final

from lib.redaction.beside import is_attached, is_named, is_pair_value, pair_names, rule_beside
from lib.redaction.commands import flags_of
from lib.redaction.holes import rules_of_holes
from lib.redaction.memo import KEY_CHARS_MAX, SHAPE_KEYS_MAX, Keys
from lib.redaction.names import NAME_CHARS_MIN, Verdict, judge, rule_of_name
from lib.redaction.rules import Rules
from lib.redaction.search import NAMES_CHUNK, chunks_with_names, is_plain_key
from lib.redaction.text import clean, hashed, placeholder
from lib.redaction.values import fits, is_kept_under_key, is_random, is_version
from lib.redaction.walk import Key, Walk

DEPTH_MAX = 200  # levels of containers; what lies deeper is removed (orjson stops at 254)
CARD_NUMBER_MIN, CARD_NUMBER_END = 10**11, 10**19  # numbers in between, whole or not, are looked at as text
PERSONAL: Final = frozenset({"phone", "identity"})  # names that tell of a value with digits, and of nothing else
PARAMS: Final = frozenset({"params", "parameters", "args", "arguments", "bindings", "binds", "positional_args"})
TEMPLATES: Final = ("message", "msg", "format", "template", "query", "sql", "statement", "formatted")
TEMPLATES_MAX = 200  # different ones in one event; beyond, their parameters are removed
_USER_FIELDS: Final = {"email": "email", "ip_address": "ip"}


def visit(walk: Walk) -> None:
    """Lists every container of one part, every string not known to be clean, and settles what telling names decide."""
    nodes, pending = walk.nodes, walk.pending
    memo = walk.rules.memo
    texts, keys, shapes = memo.texts.plain, memo.keys.plain, memo.keys.shapes
    level, level_end = 1, len(nodes)
    below_root = islice(enumerate(nodes), level_end, None)  # grows meanwhile
    for index, (value, _, _, secret) in chain([(0, nodes[0])], below_root):
        if index == level_end:
            level, level_end = level + 1, len(nodes)
            if level > DEPTH_MAX:
                for below in range(index, level_end):
                    walk.dropped[below] = "depth"
                return
        if value.__class__ is list:
            visit_list(walk, index)
        elif secret is not None or not (keys.issuperset(value) or _is_silent(value, shapes, walk.rules)):
            visit_telling(walk, index)
        else:
            for name, child in value.items():  # what `leave` does, without a call each
                kind = child.__class__
                if kind is str:
                    if child not in texts:
                        pending.append((index, name, child))
                elif kind is dict or (kind is list and not _is_known(child, texts)):
                    nodes.append((child, index, name, None))
                elif (kind is int or kind is float) and child >= CARD_NUMBER_MIN:
                    leave(walk, index, name, child)


def visit_list(walk: Walk, index: int) -> None:
    """A list: under a telling key every leaf goes; else each child by itself, and by the name before it."""
    value, parent, _, secret = walk.nodes[index]
    if parent in walk.dropped:
        return
    if secret is not None:
        for at, child in enumerate(value):
            settle(walk, index, at, child, secret)
            if index in walk.dropped:
                return
        return
    nodes, texts = walk.nodes, walk.rules.memo.texts.plain
    if index in walk.holes:
        visit_named(walk, index, 0)
        return
    for at, child in enumerate(value):
        kind = child.__class__
        if kind is dict or (kind is list and not _is_known(child, texts)):
            nodes.append((child, index, at, None))
        elif kind is str or kind is int or kind is float:
            visit_named(walk, index, at)
            return


def visit_named(walk: Walk, index: int, first: int) -> None:
    """The rest of a list, in which a telling name decides about what stands after it.

    `["password", "…"]` is a pair, and so is a flag and its value: `["app", "--password", "…"]`.
    """
    value, holes = walk.nodes[index][0], walk.holes.get(index, {})
    flags = flags_of(value[0]) if first == 0 else frozenset()
    texts = walk.rules.memo.texts.plain
    chunks = chunks_with_names(value, walk.rules.own)
    named: str | None = None
    for at in range(first, len(value)):
        child = value[at]
        if named is None and child.__class__ is str and child in texts and child.isascii() and not flags and at not in holes:
            continue  # what no rule wants to look at is no name either
        if at in holes or (named is not None and is_named(value, at)) or is_attached(child, flags):
            settle(walk, index, at, child, named or holes.get(at, "password"))
        else:
            leave(walk, index, at, child)
        named = None
        if child.__class__ is str and flags and child in flags:
            named = "password"
        elif chunks and at // NAMES_CHUNK in chunks and child.__class__ is str and len(child) >= NAME_CHARS_MIN:
            named = rule_of_name(child, walk.rules.extra_keys)
        if index in walk.dropped:
            return


def _is_known(children: list[Any], texts: set[str]) -> bool:
    """Whether a list holds nothing but strings known to be clean: source lines around a frame, mostly."""
    try:
        return texts.issuperset(children)
    except TypeError:  # a container in it
        return False


def visit_telling(walk: Walk, index: int) -> None:
    """A map with a telling key in it or above it, or with a name beside its value: each child by the verdict."""
    value, parent, key, secret = walk.nodes[index]
    if parent in walk.dropped:
        return
    is_modules, is_user = parent == 0 and key == "modules", parent == 0 and key == "user"
    known = walk.rules.memo.keys
    is_new = secret is None and any(name in known.beside or not (name in known.plain or name in known.telling) for name in value)
    named = rule_beside(value, walk.rules) if is_new else None
    holes = holes_of(walk, index, value) if is_new else {}
    for name, child in value.items():
        verdict = judge_key(walk, index, name)
        if secret is not None:
            settle(walk, index, name, child, secret)
        elif is_user and name in _USER_FIELDS and isinstance(child, str):
            treat_person(walk, index, name, child)
        elif named is not None and is_pair_value(name):
            settle(walk, index, name, child, named)
        elif name in holes and not (verdict is not None and verdict.sure):
            walk.nodes.append((child, index, name, None))
            walk.holes[len(walk.nodes) - 1] = holes[name]
        elif verdict is None or (is_modules and is_version(child)):
            leave(walk, index, name, child)
        elif verdict.sure:
            settle(walk, index, name, child, verdict.rule)
        elif isinstance(child, str) and is_random(child.strip("'\"")):
            walk.replace(index, name, placeholder(verdict.rule), [verdict.rule])
        else:
            leave(walk, index, name, child)
        if index in walk.dropped:
            return
    if is_new and named is None and not holes:
        remember_shape(known, value)


def remember_shape(known: Keys, value: dict[Any, Any]) -> None:
    """Where no key of a map tells anything alone, nor a text of the parameters beside it: what it takes to see that again."""
    is_plain = all(name in known.plain or (name in known.beside and name not in known.telling) for name in value)
    if is_plain and (PARAMS.isdisjoint(value) or value.keys().isdisjoint(TEMPLATES)):
        known.add_shape(tuple(value), pair_names(value))


def _is_silent(value: dict[Any, Any], shapes: dict[tuple[Any, ...], tuple[Any, ...]], rules: Rules) -> bool:
    """Whether a map whose keys are known to tell nothing alone does not tell anything by what stands beside a name, either."""
    names = shapes.get(tuple(value)) if len(value) <= SHAPE_KEYS_MAX else None
    if names is None:
        return False
    for name in names:
        child = value[name]
        if child.__class__ is str and rule_of_name(child, rules.extra_keys) is not None:
            return False
    return True


def holes_of(walk: Walk, index: int, value: dict[Any, Any]) -> dict[Any, dict[int, str]]:
    """Which items of a list of parameters go by the text beside it: `{"message": "password=%s", "params": ["…"]}`.

    The text is cleaned with a made-up value in each of its holes: what would be removed there says what goes in the list.
    """
    lists = [key for key, child in value.items() if child and isinstance(child, list) and key in PARAMS]
    texts = [value[key] for key in TEMPLATES if isinstance(value.get(key), str)]
    if not lists or not texts or not walk.affords(index, 1):
        return {}
    found: dict[int, str] = {}
    for text in texts:
        if text not in walk.templates and len(walk.templates) == TEMPLATES_MAX:
            return {key: dict.fromkeys(range(len(value[key])), "overflow") for key in lists}
        if text not in walk.templates:
            walk.templates[text] = rules_of_holes(text, walk.rules)
        found |= walk.templates[text]
    return dict.fromkeys(lists, found) if found else {}


def judge_key(walk: Walk, index: int, name: Any) -> Verdict | None:
    """What a key says of its value. A key that holds a secret itself is noted for renaming."""
    memo = walk.rules.memo.keys
    if name in memo.plain or (name in _USER_FIELDS and walk.rules.own is None):
        return None
    if name in memo.telling:
        walk.affords(index, 1)
        return memo.telling[name]
    if name in memo.beside:
        return None
    name = str(name)
    if walk.rules.own is None and is_plain_key(name):
        memo.add(name, None, beside=name in PARAMS or is_pair_value(name))
        return None
    text, rules, work = clean(name, walk.rules.treatments, walk.rules.own, walk.budget)
    verdict = judge(text, walk.rules.extra_keys)
    if rules:
        if not walk.keeps_keys(index):
            walk.renames.setdefault(index, {})[name] = text
            walk.removed += [(index, name, rule) for rule in rules]
    elif name not in _USER_FIELDS:
        memo.add(name, verdict, beside=name in PARAMS or is_pair_value(name))
    if verdict is not None or rules:
        walk.affords(index, 1 if len(name) <= KEY_CHARS_MAX else work)  # one, as for those that are remembered
    return verdict


def settle(walk: Walk, index: int, name: Key, child: Any, rule: str) -> None:
    """A value under a telling key: a leaf is removed, a container is cleaned leaf by leaf."""
    if isinstance(child, (dict, list)):
        walk.nodes.append((child, index, name, rule))
    elif _stays(walk, child, rule):
        leave(walk, index, name, child)
    elif isinstance(child, (str, int, float)) and not isinstance(child, bool) and walk.affords(index, 1):
        walk.replace(index, name, placeholder(rule), [rule])


def _stays(walk: Walk, child: Any, rule: str) -> bool:
    """Whether a leaf is not what its telling name says, or kept by the project's wish."""
    if rule == "phone" and walk.rules.treatments.phone == "keep":
        return True
    if isinstance(child, str):
        return is_kept_under_key(child) or (rule in PERSONAL and not fits(rule, child))
    return not fits(rule, str(child))


def leave(walk: Walk, index: int, name: Key, child: Any) -> None:
    """A value that its key says nothing about: its own text decides."""
    if isinstance(child, (dict, list)):
        walk.nodes.append((child, index, name, None))
    elif isinstance(child, str):
        if child not in walk.rules.memo.texts.plain:
            walk.pending.append((index, name, child))
    elif isinstance(child, (int, float)) and CARD_NUMBER_MIN <= child < CARD_NUMBER_END:
        walk.pending.append((index, name, str(int(child))))


def treat_person(walk: Walk, index: int, name: str, value: str) -> None:
    """`user.email` and `user.ip_address`: kept, hashed for counting people, or removed."""
    rules, rule = walk.rules, _USER_FIELDS[name]
    treatment = rules.user_email if rule == "email" else rules.user_ip
    if treatment == "keep" or not any(map(str.isalnum, value)) or value.startswith(("[redacted:", "hmac:", "{{")):
        return
    key = rules.treatments.key
    walk.replace(index, name, hashed(key, value) if treatment == "hash" and key else placeholder(rule), [rule])
