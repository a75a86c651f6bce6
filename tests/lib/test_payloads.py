"""Stored payloads: what was written is read back, and nothing else is."""

from __future__ import annotations

import gzip
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from lib import payloads, redaction

# A version is in databases from its first deployment on: whoever changes a byte makes every row of it unreadable.
FROZEN = {1: "022763633fd965f7cb1d5ca7cb9ebe9682b02c82d92b86608c258ef3f45e903d"}
CASES = Path(__file__).parents[1] / "quality" / "cases" / "python.jsonl.gz"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=30,
)


@given(st.binary(max_size=5000))
def test_any_body_is_read_back_byte_by_byte(body: bytes) -> None:
    assert payloads.decompress(*payloads.compress(body)) == body


@given(json_values)
def test_any_json_is_read_back(value: object) -> None:
    assert orjson.loads(payloads.decompress(*payloads.compress(orjson.dumps(value)))) == value


def test_bodies_of_former_versions_stay_readable() -> None:
    frame = zstandard.ZstdCompressor(level=1).compress(b"written before there was a dictionary")
    assert payloads.decompress(payloads.NO_DICTIONARY, frame) == b"written before there was a dictionary"


@pytest.mark.parametrize("version", FROZEN)
def test_a_dictionary_that_rows_were_written_with_never_changes(version: int) -> None:
    assert hashlib.sha256((payloads.DICTIONARIES / f"{version}.zstd-dict").read_bytes()).hexdigest() == FROZEN[version]


def test_every_dictionary_is_frozen_and_the_newest_is_written_with() -> None:
    assert {int(file.stem) for file in payloads.DICTIONARIES.glob("*.zstd-dict")} == set(FROZEN)
    assert max(FROZEN) == payloads.CURRENT_VERSION


@pytest.mark.parametrize("version", FROZEN)
def test_a_dictionary_knows_no_secret_no_person_and_no_developers_machine(version: int) -> None:
    content = (payloads.DICTIONARIES / f"{version}.zstd-dict").read_bytes()
    texts = [found.decode() for found in re.findall(rb"[ -~]{6,}", content)]
    # The first text is zstd's tables, not trained ones; 1.1.1.2 is a package's version, which is no address but looks like one.
    removals = redaction.redact({"extra": {"texts": texts[1:]}}).removals
    assert {removal.rule for removal in removals} <= {"ip"}
    assert not re.search(rb"/root/|/home/(?!app/)|/tmp/|pyenv|@example", content)


def test_the_dictionary_saves_a_quarter_of_what_it_was_not_trained_on() -> None:
    bodies = [orjson.dumps(orjson.loads(line)["event"]) for line in gzip.decompress(CASES.read_bytes()).splitlines()]
    plain = zstandard.ZstdCompressor(level=payloads.LEVEL)
    with_dictionary = sum(len(payloads.compress(body)[1]) for body in bodies)
    assert with_dictionary < 0.75 * sum(len(plain.compress(body)) for body in bodies)


@pytest.mark.parametrize("version", [-1, 9999])
def test_an_unknown_version_is_named(version: int) -> None:
    with pytest.raises(payloads.UnreadablePayloadError, match=f"dictionary {version} is not part of this deployment"):
        payloads.decompress(version, b"")


def _bomb_with_size() -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(bytes(payloads.BODY_BYTES_MAX + 1))


def _bomb_without_size() -> bytes:
    return zstandard.ZstdCompressor(level=1, write_content_size=False).compress(bytes(payloads.BODY_BYTES_MAX + 1))


def _lying_about_size() -> bytes:
    """Claims 1 byte less than it holds: the one-byte size field of a small single-segment frame is byte 5."""
    frame = bytearray(zstandard.ZstdCompressor().compress(b"x" * 100))
    frame[5] -= 1
    return bytes(frame)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"event_id": "plain JSON"}', id="not compressed"),
        pytest.param(payloads.compress(b"x" * 1000)[1][:-1], id="cut off"),
        pytest.param(payloads.compress(b"x" * 1000)[1] * 2, id="two frames"),
        pytest.param(payloads.compress(b"x" * 1000)[1] + b"\0", id="trailing bytes"),
        pytest.param(_lying_about_size(), id="lies about its size"),
        pytest.param(_bomb_with_size(), id="bomb that says so"),
        pytest.param(_bomb_without_size(), id="bomb that does not"),
    ],
)
def test_what_compress_never_wrote_is_refused(data: bytes) -> None:
    with pytest.raises(payloads.UnreadablePayloadError):
        payloads.decompress(payloads.CURRENT_VERSION, data)


def test_the_largest_body_passes_and_one_byte_more_is_refused_at_writing() -> None:
    largest = bytes(payloads.BODY_BYTES_MAX)
    assert payloads.decompress(*payloads.compress(largest)) == largest
    with pytest.raises(ValueError, match="exceeds"):
        payloads.compress(largest + b"\0")


def test_threads_do_not_disturb_each_other() -> None:
    bodies = [hashlib.sha256(bytes([n % 256])).hexdigest().encode() * (1 + n % 50) for n in range(400)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda body: payloads.decompress(*payloads.compress(body)), bodies)) == bodies
