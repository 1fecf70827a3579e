# Guidance above bash's prompt, and completion of aim-*: eval "$(aim-venv-sync shell bash)". No process is started while
# nothing changes. Every name begins with _aim_; nothing of the person's is changed but PROMPT_COMMAND, which grows by one, and
# PATH in a terminal of aim-backend.

_aim_program=${_AIM_PROGRAM:-aim-venv-sync}
unset _AIM_PROGRAM

# Asks which file to watch, and has said what changed since the generation in $@.
_aim_ask() {
    _aim_meta='' _aim_generation='' _aim_pending='' _aim_seen=''
    if \builtin type -P "$_aim_program" >/dev/null; then
        {
            IFS= \builtin read -r _aim_meta || :
            IFS= \builtin read -r _aim_generation || :
            IFS= \builtin read -r _aim_pending || :
        } < <("$_aim_program" prompt "$@" </dev/null)
        _aim_read _aim_seen
    fi
}

# The beginning of the file into the variable $1: it has the time of the last change.
_aim_read() {
    if [[ -r $_aim_meta ]]; then IFS= \builtin read -r -d '' -n 200 "$1" <"$_aim_meta" || :; fi
}

# In a terminal of aim-backend, before the first prompt of a shell: a login shell (those of tmux are) has a PATH that
# /etc/profile has made anew, and an rc file has put another pip in front once more.
_aim_first() {
    if [[ -n ${AIM_TERMINAL-} && -n ${VIRTUAL_ENV-} && $PATH != "$VIRTUAL_ENV/bin:"* ]]; then
        \builtin local path=:$PATH:
        while [[ $path == *":$VIRTUAL_ENV/bin:"* ]]; do path=${path/":$VIRTUAL_ENV/bin:"/:}; done
        path=${path#:}
        PATH=$VIRTUAL_ENV/bin:${path%:}
        \builtin hash -r
    fi
}

_aim_guide() {
    \builtin local status=$? now=''
    if [[ -z ${_aim_began-} ]]; then
        _aim_began=1
        _aim_first
    fi
    if [[ -t 2 ]]; then
        if [[ ${VIRTUAL_ENV-} != "${_aim_env-}" ]]; then
            _aim_env=${VIRTUAL_ENV-} _aim_meta='' _aim_gone='' _aim_off=''
            if [[ -n $_aim_env ]]; then _aim_ask; fi
        elif [[ -n $_aim_env && ! -e $_aim_env/bin/python ]]; then
            if [[ ${_aim_gone-} != "$_aim_env" ]]; then
                _aim_gone=$_aim_env
                _aim_ask
            fi
        elif [[ -n ${_aim_gone-} ]]; then
            _aim_gone=''
            \builtin hash -r
            _aim_ask
        elif [[ -n ${_aim_meta-} ]]; then
            _aim_read now
            if [[ $now != "$_aim_seen" || -n $_aim_pending ]]; then
                \builtin hash -r
                _aim_ask "$_aim_generation" ${_aim_pending:+"$_aim_pending"}
            fi
        elif [[ -n $_aim_env && -z ${_aim_off-} && -d $_aim_env/.aim ]]; then
            _aim_off=1
            _aim_ask
        fi
    fi
    \builtin return "$status"
}

if [[ ${PROMPT_COMMAND[*]-} != *_aim_guide* ]]; then
    if ((BASH_VERSINFO[0] * 10 + BASH_VERSINFO[1] >= 51)) && [[ "$(\builtin declare -p PROMPT_COMMAND 2>/dev/null)" == "declare -a"* ]]; then
        PROMPT_COMMAND=(_aim_guide "${PROMPT_COMMAND[@]}")
    else
        # shellcheck disable=SC2128,SC2178  # no list here
        PROMPT_COMMAND="_aim_guide${PROMPT_COMMAND:+$'\n'$PROMPT_COMMAND}"
    fi
fi

# The first time that one of them is completed.
_aim_complete() {
    \builtin eval "$("$_aim_program" shell bash --completions)"
    \builtin return 124
}
\builtin complete -F _aim_complete aim-backend aim-logs aim-lsp aim-venv-sync aim-worker
