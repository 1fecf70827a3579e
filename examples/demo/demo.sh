#!/bin/sh
# The main story, shown on a demo project: an environment, the daemon, `pip install`, a node that imports what
# was installed, and the history of it all. Needs no network.
#
#   AIM_BIN=FOLDER   the built programs (default: target/release)
#   DEMO=FOLDER      where the demo project is made (default: target/demo)
#   KEEP=1           leave the daemon running, and say where
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
AIM_BIN=$(cd "${AIM_BIN:-$top/target/release}" && pwd)
DEMO=${DEMO:-$top/target/demo}
PATH="$AIM_BIN:$PATH"
# A demo must show the same wherever it runs: settings of the person's pip do not count.
unset PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_REQUIRE_VIRTUALENV VIRTUAL_ENV PYTHONPATH PYTHONHOME 2>/dev/null || true
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INDEX=1

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m'); else bold='' dim='' plain=''; fi
step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
typed() { printf '%s$ %s%s\n' "$dim" "$1" "$plain"; }

rm -rf "$DEMO"
mkdir -p "$DEMO/project"
# A socket's path is short by the system's limit, so it does not live below the checkout.
runtime=$(mktemp -d "${TMPDIR:-/tmp}/aim-demo.XXXXXX")
export AIM_SOCKET="$runtime/backend.sock" XDG_STATE_HOME="$DEMO/state" XDG_CONFIG_HOME="$DEMO/config"

daemon=''
finish() {
    if [ -n "$daemon" ] && [ -z "${kept:-}" ]; then
        kill "$daemon" 2>/dev/null || true
        wait "$daemon" 2>/dev/null || true
        rm -rf "$runtime"
    fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

python=$(command -v python3)
wheel=$("$python" "$here/make_wheel.py" "$DEMO/wheels" aim-demo-greeting 1.0.0)

step '1. A project with an environment'
typed 'aim-venv-sync init'
cd "$DEMO/project"
aim-venv-sync init

step '2. The daemon'
typed 'aim-backend serve &'
mkfifo "$runtime/ready"
aim-backend serve --quiet >"$runtime/ready" 2>"$DEMO/backend.log" &
daemon=$!
IFS= read -r line <"$runtime/ready"
rm -f "$runtime/ready"
printf '%s\n' "$line"

cat >greet.py <<'NODE'
def main():
    import aim_demo_greeting
    return aim_demo_greeting.greet("world")
NODE

step '3. A node that needs what is not there yet'
typed 'aim-worker run greet.py'
if aim-worker run greet.py 2>"$DEMO/first.err"; then
    echo 'the node ran before its distribution was installed' >&2
    exit 1
fi
tail -n 1 "$DEMO/first.err"

step '4. pip, typed as ever'
typed "pip install $(basename "$wheel")"
.venv/bin/pip install --no-deps "$wheel"

step '5. The same node: its worker is on the new environment already'
typed 'aim-worker run greet.py'
aim-worker run greet.py

step '6. Remembered'
typed 'aim-logs list'
aim-logs list

if [ -n "${KEEP:-}" ]; then
    kept=1
    step 'The daemon is still running'
    printf 'project  %s\nsocket   %s\nstop it  AIM_SOCKET=%s aim-backend stop\n' "$DEMO/project" "$AIM_SOCKET" "$AIM_SOCKET"
else
    step 'Done'
    printf 'The demo project is in %s. With "make demo KEEP=1" the daemon stays.\n' "$DEMO/project"
fi
