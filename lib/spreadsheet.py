"""Rows as CSV (RFC 4180) that a spreadsheet opens and does not run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def header(columns: Sequence[str]) -> bytes:
    """The first line."""
    return _written([columns])


def lines(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """A line for each row; what is no text stands as JSON, nothing as nothing."""
    return _written([_cell(row[name]) for name in columns] for row in rows)


def _cell(value: Any) -> str:
    """As text that no spreadsheet runs (OWASP, CSV injection)."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value).decode().strip('"')
    return f"'{text}" if text.startswith(FORMULA) else text


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()
