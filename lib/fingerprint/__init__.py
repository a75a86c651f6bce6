"""Fingerprints: which incident an event belongs to, and why. docs/grouping.md tells it in words.

Pure: plain data in, plain data out. The current version is re-exported; older ones stay importable by their own name.
"""

from lib.fingerprint.v1 import VERSION, Fingerprint, compute, crash_frame

__all__ = ["VERSION", "Fingerprint", "compute", "crash_frame"]
