#!/usr/bin/env bash
# test-machine.sh: what the tests need beside Python, from Debian's packages where we are root; what is missing is printed.
# A test whose program is missing is skipped with that reason.
set -uo pipefail
missing=()
want() { command -v "$1" >/dev/null || missing+=("$2"); }
want node nodejs
want npm npm
want cc gcc
want curl curl
want chromium chromium
want docker-compose docker-compose
[ -d /usr/share/zoneinfo ] || missing+=(tzdata) # Alertmanager mutes by the clock of a real place
[ ${#missing[@]} = 0 ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "heliograph: not installed (tests that need them are skipped with that reason): ${missing[*]}" >&2
  exit 0
fi
echo "heliograph: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update || true
for package in "${missing[@]}"; do
  apt-get -qq install -y --no-install-recommends "$package" >/dev/null 2>/tmp/heliograph-apt.$$ || { echo "heliograph: $package could not be installed: $(tail -1 /tmp/heliograph-apt.$$)" >&2; }
done
rm -f /tmp/heliograph-apt.$$
