"""Fingerprints: which incident an event belongs to, and why. docs/grouping.md tells it in words.

Pure: plain data in, plain data out. The current version is re-exported; older ones stay importable by their own name.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lib.fingerprint.v1 import VERSION, Fingerprint, compute, crash_frame
from lib.fingerprint.v1.frames import in_app
from lib.fingerprint.v1.messages import normalise

# `compute` of earlier versions, the newest first, for as long as incidents are found by them too. So version 2 splits none that
# version 1 made: an event whose fingerprint is new joins the incident of its earlier one.
EARLIER: tuple[Callable[[Mapping[str, Any]], Fingerprint], ...] = ()

__all__ = ["EARLIER", "VERSION", "Fingerprint", "compute", "crash_frame", "in_app", "normalise"]
