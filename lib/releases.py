"""The order of releases, as a text that PostgreSQL can sort."""

import re
from functools import lru_cache

RELEASE_CHARS_MAX = 250
DIGITS_MAX = 30  # of one number; longer ones are no version numbers

_NUMBER = r"(?:0|[1-9][0-9]*)"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER = re.compile(
    rf"v?({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)


def sort_key(release: str) -> str | None:
    """An ASCII text that sorts (collate "C") as SemVer 2.0.0 §11 orders releases; None where `release` is not SemVer.

    `package@1.2.3-rc.1+build`: the package and the build do not count, a leading v is allowed. At most 600 characters.
    """
    return _sort_key(release) if len(release) <= RELEASE_CHARS_MAX else None


@lru_cache(maxsize=4_096)
def _sort_key(release: str) -> str | None:
    found = _SEMVER.fullmatch(release.rpartition("@")[2])
    if not found:
        return None
    *numbers, pre = found.groups()
    identifiers = pre.split(".") if pre else []
    if any(len(digits) > DIGITS_MAX for digits in [*numbers, *filter(str.isdigit, identifiers)]):
        return None
    # "~" sorts after every identifier: a release follows its own pre-releases.
    return "".join(map(_number, numbers)) + ("".join(map(_identifier, identifiers)) or "~")


def _number(digits: str) -> str:
    return f"{len(digits):02}{digits}"


def _identifier(identifier: str) -> str:
    """Numbers before words; "!" sorts before every character of a word, so a word comes before its continuations."""
    return f"1{_number(identifier)}" if identifier.isdigit() else f"2{identifier}!"
