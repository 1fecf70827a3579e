# What bash reads in a terminal of aim-backend in place of ~/.bashrc, which it reads first: so that the environment is
# active after whatever puts another pip in front. It must work under the person's own options (set -u, aliases).

if [ -r ~/.bashrc ]; then
    # A shell that takes this one's place there (exec zsh) finds its own file.
    if [ -n "${ZDOTDIR+set}" ]; then export _AIM_ZDOTDIR="$ZDOTDIR"; fi
    export ZDOTDIR="$_AIM_SHELL"
    \builtin source ~/.bashrc
    if [ "${ZDOTDIR-}" = "$_AIM_SHELL" ]; then
        if [ -n "${_AIM_ZDOTDIR+set}" ]; then ZDOTDIR="$_AIM_ZDOTDIR"; else \builtin unset ZDOTDIR; fi
    fi
    \builtin unset _AIM_ZDOTDIR
fi

\builtin source "$_AIM_SHELL/guide.bash"
\builtin source "$_AIM_SHELL/activate.sh"

# Once more before the first prompt: what an rc file puts off until then may have put another pip in front.
_aim_prompt() {
    \builtin local status=$?
    if [ -n "${_aim_venv-}" ]; then
        _aim_in_front
        \builtin unset _aim_venv
    fi
    _aim_shown
    \builtin return "$status"
}
if [ "${BASH_VERSINFO[0]}${BASH_VERSINFO[1]}" -ge 51 ] && [[ "$(\builtin declare -p PROMPT_COMMAND 2>/dev/null)" == "declare -a"* ]]; then
    PROMPT_COMMAND+=(_aim_prompt)
else
    # shellcheck disable=SC2128,SC2178  # no list here
    PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}_aim_prompt"
fi
