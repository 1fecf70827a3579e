# Guidance above zsh's prompt, and completion of aim-*: eval "$(aim-venv-sync shell zsh)". No process is started while
# nothing changes. Every name begins with _aim_; nothing of the person's is changed but precmd_functions, and PATH in a terminal
# of aim-backend.

typeset -g _aim_program=${_AIM_PROGRAM:-aim-venv-sync}
unset _AIM_PROGRAM

# Asks which file to watch, and has said what changed since the generation in $@.
_aim_ask() {
    emulate -L zsh
    typeset -g _aim_meta='' _aim_generation='' _aim_pending='' _aim_seen=''
    if (( $+commands[$_aim_program] )) || [[ -x $_aim_program ]]; then
        { IFS= read -r _aim_meta && IFS= read -r _aim_generation && IFS= read -r _aim_pending || : } \
            < <($_aim_program prompt $@ </dev/null)
        _aim_read
        _aim_seen=$_aim_now
    fi
}

# The beginning of the file into _aim_now: it has the time of the last change.
_aim_read() {
    emulate -L zsh
    typeset -g _aim_now=''
    if [[ -r $_aim_meta ]]; then IFS= read -r -u 0 -k 200 _aim_now <$_aim_meta || :; fi
}

# In a terminal of aim-backend, before the first prompt of a shell: a login shell may have a PATH that /etc/profile has
# made anew, and an rc file has put another pip in front once more.
_aim_first() {
    emulate -L zsh
    if [[ -n ${AIM_TERMINAL-} && -n ${VIRTUAL_ENV-} && ${path[1]-} != $VIRTUAL_ENV/bin ]]; then
        path=($VIRTUAL_ENV/bin ${path:#$VIRTUAL_ENV/bin})
        rehash
    fi
}

_aim_guide() {
    local status_before=$?
    emulate -L zsh
    if [[ -z ${_aim_began-} ]]; then
        typeset -g _aim_began=1
        _aim_first
    fi
    if [[ -t 2 ]]; then
        if [[ ${VIRTUAL_ENV-} != ${_aim_env-} ]]; then
            typeset -g _aim_env=${VIRTUAL_ENV-} _aim_meta='' _aim_gone='' _aim_off=''
            if [[ -n $_aim_env ]]; then _aim_ask; fi
        elif [[ -n $_aim_env && ! -e $_aim_env/bin/python ]]; then
            if [[ ${_aim_gone-} != $_aim_env ]]; then
                typeset -g _aim_gone=$_aim_env
                _aim_ask
            fi
        elif [[ -n ${_aim_gone-} ]]; then
            typeset -g _aim_gone=''
            rehash
            _aim_ask
        elif [[ -n ${_aim_meta-} ]]; then
            _aim_read
            if [[ $_aim_now != $_aim_seen || -n $_aim_pending ]]; then
                rehash
                _aim_ask $_aim_generation $_aim_pending
            fi
        elif [[ -n $_aim_env && -z ${_aim_off-} && -d $_aim_env/.aim ]]; then
            typeset -g _aim_off=1
            _aim_ask
        fi
    fi
    return $status_before
}

typeset -ga precmd_functions
if (( ! ${precmd_functions[(I)_aim_guide]} )); then precmd_functions+=(_aim_guide); fi

# The first time that one of them is completed.
if (( $+functions[compdef] )); then
    _aim_complete() {
        eval "$($_aim_program shell zsh --completions)"
        _clap_dynamic_completer_${service//-/_} "$@"
    }
    compdef _aim_complete aim-backend aim-logs aim-lsp aim-venv-sync aim-worker
fi
