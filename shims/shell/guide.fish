# Guidance above fish's prompt, and completion of aim-*: aim-venv-sync shell fish | source. No process is started while
# nothing changes. Every name begins with _aim_.

set -g _aim_program aim-venv-sync
if set -q _AIM_PROGRAM
    set -g _aim_program $_AIM_PROGRAM
    set -e _AIM_PROGRAM
end

# Asks which file to watch, and has said what changed since the generation in $argv.
function _aim_ask
    set -g _aim_meta ''
    set -g _aim_generation ''
    set -g _aim_pending
    set -g _aim_seen ''
    if command -q $_aim_program
        set -l told ($_aim_program prompt $argv </dev/null)
        if test (count $told) -ge 2
            set -g _aim_meta $told[1]
            set -g _aim_generation $told[2]
            set -g _aim_pending (string match -- '--*' $told[3])
            _aim_read
            set -g _aim_seen $_aim_now
        end
    end
end

# The beginning of the file into _aim_now: it has the time of the last change.
function _aim_read
    set -g _aim_now ''
    if test -r "$_aim_meta"
        read -g -z -n 200 _aim_now <$_aim_meta
    end
end

# In a terminal of aim-backend, before the first prompt of a shell: a login shell may have a PATH that was made anew, and
# the person's own configuration has put another pip in front once more.
function _aim_first
    if test -n "$AIM_TERMINAL" -a -n "$VIRTUAL_ENV" -a "$PATH[1]" != "$VIRTUAL_ENV/bin"
        while set -l at (contains -i -- $VIRTUAL_ENV/bin $PATH)
            set -e PATH[$at]
        end
        set -gx PATH $VIRTUAL_ENV/bin $PATH
    end
end

function _aim_guide --on-event fish_prompt
    if not set -q _aim_began
        set -g _aim_began 1
        _aim_first
    end
    if test -t 2
        if test "$VIRTUAL_ENV" != "$_aim_env"
            set -g _aim_env "$VIRTUAL_ENV"
            set -g _aim_meta ''
            set -g _aim_gone ''
            set -g _aim_off ''
            if test -n "$_aim_env"
                _aim_ask
            end
        else if test -n "$_aim_env"; and not test -e "$_aim_env/bin/python"
            if test "$_aim_gone" != "$_aim_env"
                set -g _aim_gone $_aim_env
                _aim_ask
            end
        else if test -n "$_aim_gone"
            set -g _aim_gone ''
            _aim_ask
        else if test -n "$_aim_meta"
            _aim_read
            if test "$_aim_now" != "$_aim_seen"; or test -n "$_aim_pending"
                _aim_ask $_aim_generation $_aim_pending
            end
        else if test -n "$_aim_env" -a -z "$_aim_off" -a -d "$_aim_env/.aim"
            set -g _aim_off 1
            _aim_ask
        end
    end
end

# The first time that one of them is completed.
function _aim_complete
    for name in aim-backend aim-logs aim-lsp aim-venv-sync aim-worker
        complete -e -c $name
    end
    $_aim_program shell fish --completions | source
    complete -C (commandline -cp)
end
for name in aim-backend aim-logs aim-lsp aim-venv-sync aim-worker
    complete -c $name -f -a '(_aim_complete)'
end
