# Makes the environment $_AIM_VENV the active one, whatever is active, and takes away our own variables. For shells of
# Bourne's kind: bash, zsh, dash, ksh. The environment's own script does it, so that `deactivate` is what people know.

# shellcheck disable=SC2153  # a name of its own
_aim_venv=$_AIM_VENV
unset _AIM_VENV _AIM_SHELL

# Takes the environment's programs out of PATH, wherever they stand.
_aim_out_of_path() {
    _aim_path=:$PATH:
    while :; do
        case $_aim_path in
            *":$_aim_venv/bin:"*) _aim_path=${_aim_path%%":$_aim_venv/bin:"*}:${_aim_path#*":$_aim_venv/bin:"} ;;
            *) break ;;
        esac
    done
    _aim_path=${_aim_path#:}
    PATH=${_aim_path%:}
    unset _aim_path
}

# An alias that leads to another Python's pip is no use here; one that only adds options is.
_aim_unalias() {
    for _aim_name in pip pip3 python python3; do
        _aim_alias=$(\alias "$_aim_name" 2>/dev/null) || continue
        _aim_alias=${_aim_alias#*=}
        _aim_alias=${_aim_alias#[\'\"]}
        case ${_aim_alias%%[\ \'\"]*} in
            pip | pip3 | python | python3) ;;
            *) \unalias "$_aim_name" ;;
        esac
    done
    unset _aim_name _aim_alias
}

_aim_activate() {
    _aim_out_of_path
    unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    if [ -r "$_aim_venv/bin/activate" ]; then
        # shellcheck disable=SC1091  # the environment's own
        . "$_aim_venv/bin/activate"
    fi
    if [ "${VIRTUAL_ENV-}" != "$_aim_venv" ]; then
        # Without a script, as a view is, or with one that was written for another place.
        export VIRTUAL_ENV="$_aim_venv"
        if [ -n "${_AIM_LABEL-}" ]; then export VIRTUAL_ENV_PROMPT="$_AIM_LABEL"; fi
        _aim_out_of_path
        export PATH="$_aim_venv/bin:$PATH"
    fi
    hash -r 2>/dev/null
    _aim_unalias
}

# Puts the environment in front again where something else was put there, for as long as it is the active one.
_aim_in_front() {
    if [ "${VIRTUAL_ENV-}" = "$_aim_venv" ]; then
        case $PATH in
            "$_aim_venv/bin:"*) ;;
            *)
                _aim_out_of_path
                PATH=$_aim_venv/bin:$PATH
                hash -r 2>/dev/null
                ;;
        esac
    else
        _aim_activate
    fi
    _aim_unalias
}

# A prompt that is made anew each time loses what the environment's script has put before it.
_aim_shown() {
    if [ -n "${VIRTUAL_ENV-}" ] && [ -z "${VIRTUAL_ENV_DISABLE_PROMPT-}" ]; then
        _aim_label=${VIRTUAL_ENV_PROMPT-}
        _aim_label=${_aim_label#\(}
        _aim_label=${_aim_label%) }
        _aim_label=${_aim_label:-${VIRTUAL_ENV##*/}}
        case ${PS1-} in
            *"$_aim_label"*) ;;
            *) PS1="($_aim_label) ${PS1-}" ;;
        esac
        unset _aim_label
    fi
}

_aim_activate
unset _AIM_LABEL
