"""A payload: every string in it, wherever it stands, and every key.

Containers are visited in breadth, once, without copying. Strings that were found clean before are skipped (memo.py);
the others are joined and searched at once, and only those in which a rule has a place to look at are cleaned one by
one. Only containers on the way to a change are copied, so the caller's payload stays as it was.

What makes an event useful is walked first (parts.py), so that nothing else uses up the work there is for it.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import Any, Final

from lib.redaction.holes import rules_of_holes
from lib.redaction.names import NAME_CHARS_MIN, Verdict, judge, rule_of_name
from lib.redaction.own import Budget
from lib.redaction.parts import IDENTITY, parts
from lib.redaction.rules import Rules
from lib.redaction.search import hits, is_plain_key
from lib.redaction.text import clean, hashed, is_suspect, placeholder
from lib.redaction.values import fits, is_kept_under_key, is_random, is_stand_in, is_version, is_version_field

DEPTH_MAX = 200  # levels of containers; what lies deeper is removed (orjson stops at 254)
# Telling names in one event, and places looked at closely in its strings: each; beyond, what would need a look is removed.
WORK_MAX = 5_000
STEP_CHARS_MAX = 100  # of one key in a path
CARD_NUMBER_MIN, CARD_NUMBER_END = 10**11, 10**19  # numbers in between, whole or not, are looked at as text

PERSONAL: Final = frozenset({"phone", "identity"})  # names that tell of a value with digits, and of nothing else

Key = str | int
# value, index of the parent, key in the parent, and the rule of a telling key above, under which no leaf stays.
Node = tuple[Any, int, Key, str | None]
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
PARAMS: Final = frozenset({"params", "parameters", "args", "arguments", "bindings", "binds", "positional_args"})
TEMPLATES: Final = ("message", "msg", "format", "template", "query", "sql", "statement", "formatted")
TEMPLATES_MAX = 200  # different ones in one event; beyond, their parameters are removed
PAIR_KEYS_MAX = 20  # of a map that may be such a pair
_USER_FIELDS: Final = {"email": "email", "ip_address": "ip"}


class Walk:
    """One pass over one payload. `run` leaves the cleaned payload, and where what was removed."""

    def __init__(self, payload: dict[str, Any], rules: Rules) -> None:
        self.rules = rules
        self.nodes: list[Node] = [(payload, -1, "", None)]  # the first becomes one part of the payload after another
        self.pending: list[tuple[int, Key, str]] = []
        self.copies: dict[int, Any] = {0: payload.copy()}
        self.ways: dict[int, str] = {}
        self.renames: dict[int, dict[str, str]] = {}
        self.removed: list[tuple[int, Key, str]] = []
        self.holes: dict[int, dict[int, str]] = {}  # lists of parameters: by which rule the text beside them removes an item
        self.templates: dict[str, dict[int, str]] = {}
        self.dropped: dict[int, str] = {}  # whole containers, by rule: applied last, over whatever became of their parts
        self.names_work = self.texts_work = 0
        self.budget = Budget()

    def run(self) -> dict[str, Any]:
        """The payload without its secrets."""
        for part in parts(self.nodes[0][0]):
            self.nodes[0] = (part, -1, "", None)
            visit(self)
        look(self)
        for index in sorted(self.dropped, reverse=True):  # from the leaves up: a container goes after what is in it
            _, parent, key, _ = self.nodes[index]
            self.replace(parent, key, placeholder(self.dropped[index]), [self.dropped[index]])
        for index in sorted(self.renames, reverse=True):  # likewise: the way to a container is by its old keys
            rename(self.writable(index), self.renames[index])
        root: dict[str, Any] = self.copies[0]
        return root

    def writable(self, index: int) -> Any:
        """This walk's own copy of a container, and of those above it."""
        if index not in self.copies:
            value, parent, key, _ = self.nodes[index]
            self.copies[index] = value.copy()
            self.writable(parent)[key] = self.copies[index]
        return self.copies[index]

    def replace(self, index: int, key: Key, value: Any, rules: list[str]) -> None:
        """Puts `value` in the place of what `rules` removed, unless the place is one of the project's exceptions."""
        if self.rules.safe_fields and self._is_safe(index, key):
            return
        self.writable(index)[key] = value
        self.removed += [(index, key, rule) for rule in rules]

    def affords(self, index: int, work: int) -> bool:
        """Counts work on a container's names; where none is left, the container goes, unless it is the payload itself.

        Where that was too often, what holds it goes. The same for what is done now and what is remembered from before,
        so that the memo changes nothing.
        """
        self.names_work += work
        if self.names_work > WORK_MAX and index:
            self.dropped[index] = "overflow"
            if self.names_work > 2 * WORK_MAX and self.nodes[index][1]:
                self.dropped[self.nodes[index][1]] = "overflow"
        return index not in self.dropped

    def path(self, index: int, key: Key) -> str:
        """The way to a value: dotted, with the keys as they are after redaction, each cut to STEP_CHARS_MAX."""
        if index not in self.ways:
            _, parent, own, _ = self.nodes[index]
            self.ways[index] = self.path(parent, own) + "." if index else ""
        return self.ways[index] + str(self.key(index, key))[:STEP_CHARS_MAX]

    def key(self, index: int, key: Key) -> Key:
        """The key as it is after redaction: what was removed from it says nothing about its value."""
        return self.renames[index].get(str(key), key) if index in self.renames else key

    def _is_safe(self, index: int, key: Key) -> bool:
        path = self.path(index, key).split(".")
        return any(
            len(safe) <= len(path) and all(step in {"*", way} for step, way in zip(safe, path, strict=False))
            for safe in self.rules.safe_fields
        )

    def keeps_keys(self, index: int) -> bool:
        """Whether a container lies in one of the project's exceptions, so that its keys stay too."""
        if not (self.rules.safe_fields and index):
            return False
        _, parent, key, _ = self.nodes[index]
        return self._is_safe(parent, key)


def visit(walk: Walk) -> None:
    """Lists every container of one part, every string not known to be clean, and settles what telling names decide."""
    nodes, pending = walk.nodes, walk.pending
    texts, keys = walk.rules.memo.texts.plain, walk.rules.memo.keys.plain
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
        elif secret is not None or not keys.issuperset(value):
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


_SHORT_FLAGS: Final = {
    **dict.fromkeys(
        ("sshpass", "docker", "podman", "nerdctl", "helm", "skopeo", "buildah", "az", "mosquitto_pub"), frozenset({"-p"})
    ),
    **dict.fromkeys(("ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami"), frozenset({"-w"})),
    **dict.fromkeys(("redis-cli", "valkey-cli"), frozenset({"-a"})),
    **dict.fromkeys(("mysql", "mysqldump", "mysqladmin", "mysqlimport", "mariadb", "mariadb-dump"), frozenset({"-p…"})),
    **dict.fromkeys(("curl",), frozenset({"-u", "--user"})),
}


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
    named: str | None = None
    for at in range(first, len(value)):
        child = value[at]
        if at in holes or (named is not None and is_named(value, at)) or is_attached(child, flags):
            settle(walk, index, at, child, named or holes.get(at, "password"))
        else:
            leave(walk, index, at, child)
        named = None
        if child.__class__ is str and (child in flags or len(child) >= NAME_CHARS_MIN):
            named = "password" if child in flags else rule_of_name(child, walk.rules.extra_keys)
        if index in walk.dropped:
            return


def is_named(value: list[Any], at: int) -> bool:
    """Whether an item is the value of the name before it, and not the next name in a list of names."""
    name, child = value[at - 1], value[at]
    if name.startswith("-"):
        return not str(child).startswith("-")
    return len(value) == 2 or (isinstance(child, str) and any(map(str.isdigit, child)) and not is_stand_in(child))


def is_attached(child: Any, flags: frozenset[str]) -> bool:
    """Whether an item is a short flag with the password in it: `["mysql", "-p…"]`."""
    return "-p…" in flags and isinstance(child, str) and child.startswith("-p") and len(child) > 2


def flags_of(command: Any) -> frozenset[str]:
    """Short flags that a command is known to take a password by: `["sshpass", "-p", "…"]`."""
    name = command.rpartition("/")[2] if isinstance(command, str) and len(command) <= STEP_CHARS_MAX else ""
    return _SHORT_FLAGS.get(name, frozenset())


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
    is_new = secret is None and not all(name in known.plain or name in known.telling for name in value)
    named = _named(value, walk.rules) if is_new else None
    holes = holes_of(walk, index, value) if is_new else {}
    for name, child in value.items():
        verdict = judge_key(walk, index, name)
        if secret is not None:
            settle(walk, index, name, child, secret)
        elif is_user and name in _USER_FIELDS and isinstance(child, str):
            treat_person(walk, index, name, child)
        elif named is not None and is_pair_value(name):
            settle(walk, index, name, child, named)
        elif name in holes:
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


def _named(value: dict[Any, Any], rules: Rules) -> str | None:
    """The rule of the name in `{"name": "password", "value": "…"}`, whatever case the two are called in."""
    if len(value) > PAIR_KEYS_MAX or not any(map(is_pair_value, value)):
        return None
    found = (
        rule_of_name(child, rules.extra_keys) for key, child in value.items() if isinstance(child, str) and is_pair_name(key)
    )
    return next((rule for rule in found if rule is not None), None)


def is_pair_name(key: Any) -> bool:
    """Whether a key says that its value is a name, as `Name`, `k` or `ParameterKey`."""
    kind = str(key).lower()
    return kind in {"k", "id"} or kind.endswith(PAIR_NAMES)


def is_pair_value(key: Any) -> bool:
    """Whether a key says that its value is one that a name stands beside, as `Value`, `v` or `stringValue`."""
    kind = str(key).lower()
    return kind == "v" or kind.endswith(PAIR_VALUES)


def holes_of(walk: Walk, index: int, value: dict[Any, Any]) -> dict[Any, dict[int, str]]:
    """Which items of a list of parameters go by the text beside it: `{"message": "password=%s", "params": ["…"]}`.

    The text is cleaned with a made-up value in each of its holes: what would be removed there says what goes in the list.
    """
    lists = [key for key, child in value.items() if child and isinstance(child, list) and key in PARAMS]
    if not lists or not walk.affords(index, 1):
        return {}
    found: dict[int, str] = {}
    for text in [value[key] for key in TEMPLATES if isinstance(value.get(key), str)]:
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
    name = str(name)
    if walk.rules.own is None and is_plain_key(name):
        if name not in PARAMS and not is_pair_value(name):  # where these are, the whole map must be looked at
            memo.add(name, None)
        return None
    text, rules, work = clean(name, walk.rules.treatments, walk.rules.own, walk.budget)
    verdict = judge(text, walk.rules.extra_keys)
    if rules:
        if not walk.keeps_keys(index):
            walk.renames.setdefault(index, {})[name] = text
            walk.removed += [(index, name, rule) for rule in rules]
    elif name not in _USER_FIELDS and (verdict is not None or (name not in PARAMS and not is_pair_value(name))):
        memo.add(name, verdict)
    if verdict is not None or rules:
        walk.affords(index, work)
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


def look(walk: Walk) -> None:
    """Cleans the listed strings in which a rule has a place to look at, and remembers the others."""
    memo = walk.rules.memo
    unknown = [text for _, _, text in walk.pending if text not in memo.looked]
    suspect, unasked = hits(unknown, walk.rules.own, walk.budget)
    memo.texts.add(text for text in unknown if text not in suspect and text not in unasked)
    for index, key, text in walk.pending:
        if index in walk.dropped:
            continue
        if text in memo.looked:
            if _affords(walk, index, key):
                walk.texts_work += memo.looked[text]
        elif (text in suspect or (text in unasked and is_suspect(text))) and _affords(walk, index, key):
            _look_at(walk, index, key, text)


def _affords(walk: Walk, index: int, key: Key) -> bool:
    """Whether there is work left; if not, the string goes, or the list that holds it."""
    if walk.texts_work <= WORK_MAX or (index == 0 and key in IDENTITY):
        return True
    if walk.nodes[index][0].__class__ is list:
        walk.dropped[index] = "overflow"
    else:
        walk.replace(index, key, placeholder("overflow"), ["overflow"])
    return False


def _look_at(walk: Walk, index: int, key: Key, text: str) -> None:
    tells_version = " " not in text and is_version_field(walk.nodes[index], walk.key(index, key))
    if tells_version and text.count(".") == 3 and text.replace(".", "").isdecimal():
        return  # most of them, without the work
    cleaned = clean(text, walk.rules.treatments, walk.rules.own, walk.budget)
    walk.texts_work += cleaned.work
    if not cleaned.rules:
        walk.rules.memo.unchanged(text, cleaned.work)
    elif not (tells_version and set(cleaned.rules) == {"ip"} and ":" not in text):
        walk.replace(index, key, cleaned.text, cleaned.rules)


def rename(container: dict[str, Any], renames: dict[str, str]) -> None:
    """Keys without their secrets, in the same order; equal ones are numbered so that no entry is lost."""
    items = list(container.items())
    taken = {key for key, _ in items if key not in renames}
    container.clear()
    for key, value in items:
        name, number = renames.get(key, key), 1
        while key in renames and name in taken:
            number += 1
            name = f"{renames[key]} {number}"
        taken.add(name)
        container[name] = value
