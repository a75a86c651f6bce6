"""Analyses: a model explains an incident when that is worth it, within a budget, from redacted data. docs/analysis.md tells how.

`sweep` does what is due, `newest` is for messages, `reading` and `feedback` are for people. `policy`, `material`, `trimming`,
`prompt`, `plain` and `prices` are pure.
"""

from lib.analysis.reading import newest
from lib.analysis.sweeping import sweep

__all__ = ["newest", "sweep"]
