"""Which function or file answers a path, as Vercel decides it from vercel.json, api/ and public/.

Order: static files and exact functions → rewrites → functions with a [param] in their path → 404. Checked against the
answers of `vercel dev` 64.0.2 (tests/local/test_routing.py holds the table) and the routes that `vercel build` writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

PARAMETER = re.compile(
    # A group may hold one level of groups, which may not capture: `/((?!api/).*)`.
    r"(?P<slash>/)?(?::(?P<name>\w+)(?:\((?P<pattern>(?:\\.|[^()\\])+)\))?"
    r"|\((?P<group>(?:\\.|[^()\\]|\(\?[:!=](?:\\.|[^()\\])*\))+)\))(?P<repeat>[*+?])?"
)
SEGMENT = re.compile(r"\[(\w+)\]")


@dataclass(frozen=True)
class Found:
    """What answers: a function's file or a static file, and the query string that it is asked with."""

    file: Path
    query: str
    is_function: bool


@dataclass(frozen=True)
class Pattern:
    """A `source` of vercel.json as a regular expression, with the names of its groups in order ("1" where unnamed)."""

    regex: re.Pattern[str]
    names: tuple[str, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """The captures, empty ones too, or None."""
        match = self.regex.fullmatch(path)
        return {name: match[index] or "" for index, name in enumerate(self.names, 1)} if match else None


def compile_source(source: str) -> Pattern:
    """The part of path-to-regexp that Vercel documents: `:name`, `:name(regex)`, `(regex)`, each with `*`, `+` or `?`."""
    names: list[str] = []
    regex, end = "", 0
    for found in PARAMETER.finditer(source):
        regex += re.escape(source[end : found.start()])
        names.append(found["name"] or str(len(names) + 1))
        one = found["pattern"] or found["group"] or "[^/]+?"
        slash, repeat = found["slash"] or "", found["repeat"] or ""
        inner = f"(?:{one})(?:{slash}(?:{one}))*" if repeat in {"*", "+"} else one
        regex += f"(?:{slash}({inner})){'?' if repeat in {'*', '?'} else ''}"
        end = found.end()
    return Pattern(re.compile(regex + re.escape(source[end:])), tuple(names))


class Router:
    """Routes of the project in `root`. Reads vercel.json and the names in api/ once; public/ is looked up each time."""

    def __init__(self, root: Path) -> None:
        config: dict[str, Any] = json.loads((root / "vercel.json").read_text())
        self.public = root / "public"
        self.functions = dict(find_functions(root))
        self.rewrites = [(compile_source(rule["source"]), rule["destination"]) for rule in config.get("rewrites", [])]
        self.headers = [(compile_source(rule["source"]), rule["headers"]) for rule in config.get("headers", [])]
        self.dynamic = [(compile_source(SEGMENT.sub(r":\1", name)), name) for name in self.functions if SEGMENT.search(name)]

    def find(self, path: str, query: str) -> Found | None:
        """What answers this undecoded path; None is a 404."""
        exact = self._exact(path, query)
        if exact:
            return exact
        for pattern, destination in self.rewrites:
            captures = pattern.match(path)
            if captures is not None:
                target, added = _fill(destination, captures)
                return self._exact(target, _merge(query, added))
        for pattern, name in self.dynamic:
            captures = pattern.match(path)
            if captures is not None:
                return Found(self.functions[name], _merge(query, captures), is_function=True)
        return None

    def headers_for(self, path: str) -> Iterator[tuple[bytes, bytes]]:
        """The headers that vercel.json adds to every answer under this path."""
        for pattern, headers in self.headers:
            if pattern.match(path) is not None:
                yield from ((header["key"].lower().encode(), header["value"].encode()) for header in headers)

    def _exact(self, path: str, query: str) -> Found | None:
        function = self.functions.get(path) or self.functions.get(path.removesuffix(".py"))
        if function:
            return Found(function, query, is_function=True)
        file = self.public / unquote(path).lstrip("/")
        if file.is_dir():
            file /= "index.html"
        inside = file.resolve().is_relative_to(self.public.resolve())
        return Found(file, query, is_function=False) if inside and file.is_file() else None


def find_functions(root: Path) -> Iterator[tuple[str, Path]]:
    """Path → file of each function. Names that begin with `_` or `.` anywhere in the path are modules, not functions."""
    for file in sorted((root / "api").rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        if not any(part.startswith(("_", ".")) for part in parts):
            yield "/" + "/".join(parts), file


def _fill(destination: str, captures: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The destination's path, and what joins the query: its own query, and each capture that it does not name."""
    target, _, query = destination.partition("?")
    unused = dict(captures)

    def put(found: re.Match[str]) -> str:
        unused.pop(found[1], None)
        return captures.get(found[1], found[0])

    names = re.compile(r"[:$](\w+)")
    path = names.sub(put, target)
    own = {key: names.sub(put, value) for key, value in parse_qsl(query, keep_blank_values=True)}
    return path, own | {name: value for name, value in unused.items() if not name.isdigit()}


def _merge(query: str, added: dict[str, str]) -> str:
    """The request's own query wins where both name a parameter."""
    given = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    extra = urlencode({name: unquote(value) for name, value in added.items() if name not in given})
    return "&".join(part for part in (query, extra) if part)
