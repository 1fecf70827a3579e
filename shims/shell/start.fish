# What fish runs in a terminal of aim-backend after the person's own configuration.

source $_AIM_SHELL/guide.fish
set -l venv $_AIM_VENV
set -e _AIM_VENV
set -e _AIM_SHELL
while set -l at (contains -i -- $venv/bin $PATH)
    set -e PATH[$at]
end
set -e VIRTUAL_ENV
set -e VIRTUAL_ENV_PROMPT
if test -r $venv/bin/activate.fish
    source $venv/bin/activate.fish
end
if test "$VIRTUAL_ENV" != $venv
    set -gx VIRTUAL_ENV $venv
    set -gx PATH $venv/bin $PATH
    set -q _AIM_LABEL; and set -gx VIRTUAL_ENV_PROMPT $_AIM_LABEL
    if not set -q VIRTUAL_ENV_DISABLE_PROMPT; and functions -q fish_prompt
        functions -c fish_prompt _aim_prompt
        function fish_prompt
            set -l label (string replace -r '.*/' '' -- $VIRTUAL_ENV)
            set -q VIRTUAL_ENV_PROMPT; and set label $VIRTUAL_ENV_PROMPT
            set -q VIRTUAL_ENV; and printf '(%s) ' $label
            _aim_prompt
        end
    end
end
set -e _AIM_LABEL
# An alias that leads to another Python's pip is no use here.
for name in pip pip3 python python3
    if functions -q $name; and string match -qr -- '^alias ' (functions -D -v $name)[5]
        functions -e $name
    end
end
