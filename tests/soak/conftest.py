"""Long tests: `make soak` names this folder; a run that does not leaves it alone."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import postgres
from local.folders import data_folder

HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Only where the folder, or something in it, was named."""
    named = [Path(argument.split("::")[0]).resolve() for argument in config.invocation_params.args if argument[:1] != "-"]
    return None if any(path == HERE or HERE in path.parents for path in named) else True


class Durable:
    """A PostgreSQL with fsync on that may be killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = postgres.start(folder)

    @property
    def url(self) -> str:
        """The same after each start."""
        return self.server.url

    def kill(self) -> None:
        """kill -9 for the postmaster; its children end by themselves when they see it gone."""
        self.server.process.kill()
        self.server.process.wait()
        self.server.lock.close()

    def start(self) -> None:
        """Recover and go on."""
        self.server = postgres.start(self._folder)

    def stop(self) -> None:
        """Leave nothing running."""
        self.server.stop()


@pytest.fixture
def durable() -> Iterator[Durable]:
    """Empty at its start; its data is gone at its end."""
    folder = data_folder() / "soak"
    leftover = postgres.start(folder)  # of a run that was killed; only a started server knows where its data lies
    leftover.stop()
    shutil.rmtree(leftover.folder / "data")
    made = Durable(folder)
    yield made
    made.stop()
    shutil.rmtree(leftover.folder / "data")


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Any:
    """Say figures to whoever waits."""

    def told(figures: dict[str, Any]) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{json.dumps(figures, indent=2)}\n")

    return told
