#!/usr/bin/env bash
# environment.sh run|dev: make or update .venv from the lock file. A stamp with the lock's hash makes a second call free.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-run}
lock=requirements/$kind.txt
fail() { printf 'heliograph: %s\n' "$1" >&2; exit 1; }

# `.venv/bin/heliograph` works from any folder; key and secret of a quick start are those of the folder it is called in.
command_of_ours() {
  [ -x .venv/bin/heliograph ] && return
  cat > .venv/bin/heliograph <<'END'
#!/bin/sh
home=$(cd "$(dirname "$0")/../.." && pwd)
PYTHONPATH=$home${PYTHONPATH:+:$PYTHONPATH} exec "$home/.venv/bin/python" -m service "$@"
END
  chmod +x .venv/bin/heliograph
}

# `make run` is content with an environment that the tests made.
stamp_of() { sha256sum "requirements/$1.txt" | cut -c1-16; }
[ -x .venv/bin/python ] && [ -e ".venv/.dev-$(stamp_of dev)" ] && { command_of_ours; exit 0; }
stamp=.venv/.$kind-$(stamp_of "$kind")
[ -x .venv/bin/python ] && [ -e "$stamp" ] && { command_of_ours; exit 0; }

python=${PYTHON:-}
for candidate in python3.13 python3.12 python3.11 python3; do
  [ -n "$python" ] && break
  command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && python=$candidate
done
[ -n "$python" ] || fail "Python 3.11, 3.12 or 3.13 is needed and none was found. On Debian or Ubuntu: apt-get install python3 python3-venv; elsewhere set PYTHON=/path/to/python."

if ! "$python" -m ensurepip --version >/dev/null 2>&1; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "$python has no venv module. On Debian or Ubuntu: sudo apt-get install python3-venv"
  echo "heliograph: installing python3-venv" >&2
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y python3-venv >/dev/null
fi
echo "heliograph: making .venv from $lock (once)" >&2
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/pip -q --disable-pip-version-check install --require-hashes -r "$lock" || fail "the packages of $lock could not be installed (see above). Is the package index reachable?"
rm -f .venv/.run-* .venv/.dev-*
touch "$stamp"
command_of_ours
