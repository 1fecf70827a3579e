# What a shell of Bourne's kind reads in a terminal of aim-backend (ENV): the person's own file first.

if [ -n "${_AIM_ENV+set}" ]; then
    ENV=$_AIM_ENV
    unset _AIM_ENV
    # shellcheck disable=SC1090  # the person's own
    if [ -r "$ENV" ]; then . "$ENV"; fi
else
    unset ENV
fi
# shellcheck source=shims/shell/activate.sh
. "$_AIM_SHELL/activate.sh"
_aim_shown
unset _aim_venv
