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
nginx="${XDG_CACHE_HOME:-$HOME/.cache}/heliograph/nginx"
if ! command -v nginx >/dev/null && ! [ -x /usr/sbin/nginx ] && ! [ -x "$nginx/usr/sbin/nginx" ] && command -v apt-get >/dev/null; then
  # unpacked, not installed: as a package it would serve port 80 of this machine
  echo "heliograph: unpacking nginx into $nginx" >&2
  fetched=$(mktemp -d)
  chmod 755 "$fetched"
  (cd "$fetched" && { apt-get -qq download nginx || { apt-get -qq update && apt-get -qq download nginx; }; } && dpkg -x nginx_*.deb "$nginx") >/dev/null 2>&1 ||
    echo "heliograph: nginx could not be had (its tests are skipped with that reason)" >&2
  rm -rf "$fetched"
fi
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
