#!/bin/sh
# A step on the runner itself: finds a Python, gives it the locked dependencies in an environment of
# this job's own, and becomes the gate. What the step was given stands in $STEP_INPUTS, as JSON.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd -P)

fail() {
    printf '::error title=pgrst-gate::%s. Nothing was touched.\n' "$1"
    printf 'verdict=not-refreshed\nrefreshed-by=none\n' >>"$GITHUB_OUTPUT"
    exit 3
}

for python in python3 python python3.14 python3.13 python3.12 python3.11 ''; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi
done
[ "$python" ] || fail "The gate needs Python 3.11 or later, and this runner has none on its PATH: put \
actions/setup-python with python-version 3.13 before this step"

# One environment for each Python, lock and version of the action; the runner empties $RUNNER_TEMP
# around every job, so the steps of a job share it and nothing outlives them.
digest=$("$python" -c '
import hashlib, pathlib, sys
lock = pathlib.Path(sys.argv[1], "requirements/runtime.txt").read_bytes()
parts = [sys.executable, sys.version, sys.argv[1]]
print(hashlib.sha256("\0".join(parts).encode() + lock).hexdigest()[:16])' "$root")
home=$RUNNER_TEMP/pgrst-gate-$digest

if [ ! -e "$home/complete" ]; then
    echo "Setting up pgrst-gate with $("$python" -V), once for this job ..."
    rm -rf "$home"
    "$python" -m venv "$home" ||
        fail "$python cannot make a virtual environment: install its venv module (on Debian and Ubuntu \
the package python3-venv), or put actions/setup-python before this step"
    # --no-deps: the lock is complete, and leaves out on purpose what pip would add (see pyproject.toml)
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-user --no-compile \
        --no-deps --require-hashes --only-binary :all: --requirement "$root/requirements/runtime.txt" ||
        fail "The locked dependencies could not be installed, pip says above why: does this runner reach \
a package index"
    "$home/bin/python" -c '
import pathlib, sys, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "pgrst_gate.pth").write_text(sys.argv[1] + "\n")' "$root/src"
    : >"$home/complete"
fi

# exec: the runner signals a cancel to this process only. -I: what the job set up for its own Python,
# such as PYTHONPATH, is not the gate's.
exec "$home/bin/python" -I -u "$root/entrypoint.py"
