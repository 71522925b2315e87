"""JavaScript packages from npm, pinned, under target/: what runs in a browser's page, and what bundles it."""

import os
import subprocess

from stage import TARGET, Failed, work

HOME = TARGET / "npm"
_COMPLETE = HOME / "complete"
_PINNED = ("axe-core@4.14.1", "esbuild@0.28.2", "matrix-js-sdk@43.0.0")


def provide():
    """Sees to it that exactly these are there, and returns their folder."""
    HOME.mkdir(parents=True, exist_ok=True)
    if not _COMPLETE.exists() or _COMPLETE.read_text().split() != list(_PINNED):
        _COMPLETE.unlink(missing_ok=True)
        (HOME / "package.json").write_text('{"private": true}\n')
        install = ["npm", "install", "--prefix", HOME, "--save-exact", "--no-audit", "--no-fund", *_PINNED]
        work.run(f"installing {', '.join(_PINNED)}", install, TARGET / "logs" / "npm.log", env=_quiet())
        _COMPLETE.write_text("".join(f"{line}\n" for line in _PINNED))
    return HOME / "node_modules"


def bundle(source, made):
    """Makes one file of a module and all that it imports."""
    provide()
    esbuild = HOME / "node_modules" / ".bin" / "esbuild"
    options = ["--bundle", "--format=esm", "--target=es2022", "--log-level=warning", "--loader:.wasm=empty"]
    done = subprocess.run(
        [esbuild, source, *options, f"--outfile={made}"],
        env=_quiet() | {"NODE_PATH": str(HOME / "node_modules")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode != 0:
        raise Failed(f"esbuild: {done.stderr.strip()}")


def _quiet():
    return os.environ | {"npm_config_update_notifier": "false", "NO_COLOR": "1"}
