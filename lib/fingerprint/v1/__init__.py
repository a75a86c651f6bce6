"""Fingerprint version 1. Frozen once released, as incidents are found by it: a better rule is a version 2 beside it."""

from lib.fingerprint.v1.decide import VERSION, Fingerprint, compute, crash_frame

__all__ = ["VERSION", "Fingerprint", "compute", "crash_frame"]
