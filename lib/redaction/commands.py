"""Command lines, and the files that commands read: where those that are known take a password by position or a short flag."""

from __future__ import annotations

import re
from typing import Any, Final

from lib.redaction.values import is_stand_in

COMMAND_CHARS_MAX = 100
_SHORT_FLAGS: Final = {
    **dict.fromkeys(
        (
            "sshpass",
            "docker",
            "podman",
            "nerdctl",
            "helm",
            "skopeo",
            "buildah",
            "az",
            "mosquitto_pub",
            "mongo",
            "mongosh",
            "mongodump",
            "mongorestore",
        ),
        frozenset({"-p"}),
    ),
    **dict.fromkeys(("ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami"), frozenset({"-w"})),
    **dict.fromkeys(("redis-cli", "valkey-cli"), frozenset({"-a"})),
    **dict.fromkeys(("mysql", "mysqldump", "mysqladmin", "mysqlimport", "mariadb", "mariadb-dump"), frozenset({"-p…"})),
    **dict.fromkeys(("sqlcmd", "osql", "zip", "unzip"), frozenset({"-P"})),
    **dict.fromkeys(("curl",), frozenset({"-u", "--user"})),
}
# The same where the command line is one string.
SHORT_FLAG = (
    r"\b(?:sshpass\s+-p\s*|(?:mysql|mysqldump|mysqladmin|mariadb|mysqlimport)(?:\s[^\n;|&]*?)??\s-p|"
    r"(?:docker|podman|nerdctl|helm|buildah|skopeo)\s(?:[^\n;|&]*?\s)??login\s(?:[^\n;|&]*?\s)??-p\s+|"
    r"ldap[a-z]+\s(?:[^\n;|&]*?\s)??-w\s*|redis-cli\s(?:[^\n;|&]*?\s)??-a\s+|az\slogin\s(?:[^\n;|&]*?\s)??-p\s+|"
    r"(?:mongo|mongosh|mongodump|mongorestore)\s(?:[^\n;|&]*?\s)??-p\s+|(?:sqlcmd|osql|zip|unzip)\s(?:[^\n;|&]*?\s)??-P\s*|"
    r"smbclient\s(?:[^\n;|&]*?\s)??-U\s*[^\s%]+%|htpasswd\s-[A-Za-z]*b[A-Za-z]*\s+\S+\s+\S+\s+|"
    r"(?i:login|user)\s+\S+\s+(?i:password)\s+)[\"']?([^\s\"'\-][^\s\"']{2,})"
)
NET_USE = r"(?i)\bnet\s+use\s+(?:\S+\s+)?\\\\[^\s]+\s+(?:/u(?:ser)?:\S+\s+)?[\"']?([^\s\"'/*-][^\s\"']{2,})"
# host:port:database:user:password, each but the last perhaps `*`. The host is looked for in Python: a pattern that begins with
# any word costs every text 5 %.
PGPASS = r":(?:[0-9]{4,5}|\*):[^\s:]+:[^\s:]+:([^\s:\"']{3,})(?:$|[\r\n\"'])"
_ENTRY = re.compile(r"(?:^|[\s\"'])(\*|[A-Za-z][A-Za-z0-9.-]*|[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::[^\s:\"']+){3}:\Z")
_ENTRY_CHARS_MAX = 400


def locate_pgpass(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The password of a match of PGPASS behind a host."""
    first = max(0, start - _ENTRY_CHARS_MAX)
    return None if is_stand_in(text[start:end]) or _ENTRY.search(text[first:start]) is None else (start, end)


def flags_of(command: Any) -> frozenset[str]:
    """Short flags that a command is known to take a password by: `["sshpass", "-p", "…"]`."""
    name = command.rpartition("/")[2] if isinstance(command, str) and len(command) <= COMMAND_CHARS_MAX else ""
    return _SHORT_FLAGS.get(name, frozenset())
