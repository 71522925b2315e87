"""YAML files, read by PyYAML, and Kubernetes' own schemas: both come with `kubernetes-validate`, from PyPI."""

import json

from place import run
from stage import PROJECT, venv

_PACKAGE = "kubernetes-validate==1.37.0"
_READ = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))"


def read(file):
    """Every document of a file, anchors resolved."""
    venv.provide(_PACKAGE)
    done = run(venv.PYTHON, "-c", _READ, file, folder=PROJECT)
    if done.returncode != 0:
        raise AssertionError(f"{file} is no YAML:\n{done.stdout}")
    return json.loads(done.stdout)


def complaints(file, version):
    """What this version of Kubernetes would have against a manifest, unknown fields included."""
    venv.provide(_PACKAGE)
    words = ("-m", "kubernetes_validate", "--strict", "--kubernetes-version", version)
    done = run(venv.PYTHON, *words, file, folder=PROJECT)
    return "" if done.returncode == 0 else done.stdout or "refused without a word"
