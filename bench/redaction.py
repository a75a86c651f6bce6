"""What redaction costs: ms per event, best of several passes. `python -m bench.redaction [events.jsonl.gz] [--adversarial]`.

The file holds Sentry payloads, one JSON object a line, either bare or as a JSON string under `payload`.
"""

from __future__ import annotations

import argparse
import gzip
import time
from pathlib import Path
from typing import Any

import orjson

from lib import redaction
from lib.redaction import BUILT_IN
from lib.redaction.memo import Memo

PASSES = 7


REPEATED = {
    "assignments": "token=a1 ",
    "assignments of nothing": "a= ",
    "at signs": "@",
    "addresses": "a@b.co ",
    "digits": "4",
    "cards": "4111111111111111 ",
    "base64": "aB3dE5fG7hI9",
    "quotes": "\"'\\",
    "names": "password",
    "colons": "::",
    "dots": "1.1.",
    "dashes": "a-",
    "open quotes": "token='",
    "flags": "--token ",
    "keys begun": "-----BEGIN PRIVATE KEY-----",
    "web tokens": "eyJ",
    "urls": "http://a:",
    "user of a url": "://a@",
    "words": "the quick brown fox ",
    "escapes": "password%25",
    "backslashes": "password\\",
    "spaces": "password ",
    "beyond ascii": "pässwörd=ü ",
    "accounts": "DE89 ",
    "addresses of six": "a:b:c::",
    "phones": "+1 ",
    "nul": "\0",
    "code": "token = self.token; ",
    "percent": "%41",
    "percent of percent": "%2541%25",
    "escapes of json": "\\u0041",
    "escaped slashes": "\\/",
    "entities": "&amp;",
    "octets beyond ascii": "%C3%B1",
    "names beyond ascii": "пароль: x ",
    "letters beyond ascii": "слово: x ",
    "passwords of urls": "a://u:p@",
    "values before names": '"value":"x","name":"password",',
    "values after names": 'password","value":"x" ',
    "short flags": "mysql -px ",
    "base64 of text": "dXNlcjpw",
    "schemes": "Authorization: A b1=c, ",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=Path, nargs="?")
    parser.add_argument("--adversarial", action="store_true")
    arguments = parser.parse_args()
    texts = read(arguments.events) if arguments.events else [orjson.dumps(generated(number)) for number in range(200)]
    warm, cold = (measure(texts, cold=cold) for cold in (False, True))
    size = sum(map(len, texts)) / len(texts) / 1000
    print(f"{len(texts)} events of {size:.1f} kB: {warm:.3f} ms each; {cold:.3f} ms where nothing was seen before")
    if arguments.adversarial:
        for name, payload in adversarial().items():
            taken, result = timed(payload)
            print(f"{name:24s} {len(orjson.dumps(payload)) / 1e6:.2f} MB  {taken:7.1f} ms  {len(result.removals)} removals")


def timed(payload: dict[str, Any]) -> tuple[float, redaction.Redacted]:
    """Milliseconds, and what came out."""
    started = time.process_time()
    result = redaction.redact(payload)
    return (time.process_time() - started) * 1000, result


def read(path: Path) -> list[bytes]:
    with gzip.open(path, "rb") as file:
        lines = [orjson.loads(line) for line in file]
    return [line["payload"].encode() if isinstance(line.get("payload"), str) else orjson.dumps(line) for line in lines]


def measure(texts: list[bytes], *, cold: bool) -> float:
    """Milliseconds per event, the best of PASSES; parsing is not counted. Cold: every pass starts with an empty memo."""
    best = float("inf")
    rules = BUILT_IN
    for _ in range(PASSES):
        if cold:
            rules = redaction.Rules(memo=Memo())
        taken = 0.0
        for text in texts:
            payload = orjson.loads(text)
            started = time.process_time()
            redaction.redact(payload, rules)
            taken += time.process_time() - started
        best = min(best, taken)
    return best / len(texts) * 1000


def generated(number: int) -> dict[str, Any]:
    """An event as large as a real one: 25 frames with context, 20 breadcrumbs, a request and a user."""
    frame = {"filename": "app/orders.py", "function": "total", "lineno": number, "in_app": True,
             "context_line": "    return sum(line.price * line.count for line in lines)",
             "vars": {"lines": f"<Lines at 0x7f{number:010x}>", "number": str(number)}}  # fmt: skip
    frames = [
        {**frame, "lineno": at, "pre_context": [f"    step_{at}_{line} = load({line})" for line in range(5)],
         "post_context": [f"    close(step_{at}_{line})" for line in range(5)]} for at in range(25)
    ]  # fmt: skip
    return {
        "event_id": f"{number:032x}",
        "exception": {"values": [{"type": "ValueError", "value": f"order {number}", "stacktrace": {"frames": frames}}]},
        "breadcrumbs": {"values": [{"message": f"SELECT {at} FROM orders WHERE id = {number}"} for at in range(20)]},
        "request": {"url": f"https://shop.example/orders/{number}", "headers": {"Accept": "*/*", "Cookie": f"sid={number}"}},
        "user": {"id": str(number), "email": f"user{number}@example.org", "ip_address": "203.0.113.7"},
    }


def adversarial() -> dict[str, dict[str, Any]]:
    """Payloads of 1 MB, each the worst for one part of the way."""
    size = 1_000_000
    deep: dict[str, Any] = {"password": "x"}
    for _ in range(190):
        deep = {"a": deep, "token": ["b=c"] * 500}
    payloads: dict[str, dict[str, Any]] = {
        name: {"extra": {"note": text * (size // len(text))}} for name, text in REPEATED.items()
    }
    payloads["10,000 keys"] = {"extra": {f"key{number}_token_{number}": "x" * 70 for number in range(10_000)}}
    payloads["many small secrets"] = {"extra": {"list": [f"token=a{number}" for number in range(60_000)]}}
    payloads["many small strings"] = {"extra": {"list": [f"a{number}" for number in range(100_000)]}}
    payloads["many telling keys"] = {"extra": {"list": [{"pin": number} for number in range(80_000)]}}
    payloads["many telling names"] = {"extra": {"list": ["password", "--token"] * 40_000}}
    payloads["many numbers"] = {"extra": {"list": list(range(4 * 10**15, 4 * 10**15 + 55_000))}}
    payloads["parameters"] = {"extra": {"list": [{"message": "token=%s", "params": [f"a{number}"]} for number in range(22_000)]}}
    payloads["names and values"] = {"extra": {"list": [{"name": "token", "value": f"a{number}"} for number in range(30_000)]}}
    payloads["deep"] = {"extra": deep}
    return payloads


if __name__ == "__main__":
    main()
