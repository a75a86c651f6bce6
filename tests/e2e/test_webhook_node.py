"""The code for Node that docs/alerts.md gives to those who receive webhooks."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from local import node
from tests.lib.channels import snippets

RUN = """
import { readFileSync } from "node:fs";
import { verify } from "./verify.mjs";
const cases = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map((one) => verify(one.secret, one.headers, Buffer.from(one.body)))));
"""


def test_the_documented_javascript_verifies_what_is_ours_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "verify.mjs").write_text(snippets.snippet("js"))
    (tmp_path / "run.mjs").write_text(RUN)
    given, wanted = zip(*snippets.cases(), strict=True)
    command, environment = ["node", "run.mjs"], {"PATH": node.search_path()}
    done = subprocess.run(
        command, input=json.dumps(given), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == list(wanted)
