# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_aim_venv_sync_global_optspecs
    string join \n check wait project= env= json q/quiet v/verbose color= h/help V/version
end

function __fish_aim_venv_sync_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_aim_venv_sync_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_aim_venv_sync_using_subcommand
    set -l cmd (__fish_aim_venv_sync_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -l check -d 'Only compare: exit 1 on a difference, change nothing'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -l wait -d 'Wait until the worker is ready at the new generation'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -l json -d 'Print data as JSON'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -s q -l quiet -d 'Print only data and errors'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -s v -l verbose -d 'Print more detail'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -s h -l help -d 'Print help'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -s V -l version -d 'Print the version'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -f -a "sync" -d 'Record what other tools changed and put the hook back (the default)'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -f -a "init" -d 'Make an environment if there is none, put the hook in, record what is there'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -f -a "status" -d 'Show environment, generation, shim, daemon and worker'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -f -a "remove" -d 'Take the hook out again; the history stays'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -f -a "list" -d 'Show every environment that was set up on this machine'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -f -a "forget" -d 'Take an environment out of the list; nothing in it is changed'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -f -a "doctor" -d 'Check every part and say what to type where one is wrong'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -f -a "allow" -d 'Let this project\'s .pip-logs be a link to a folder elsewhere'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -f -a "config" -d 'Print every setting and where it came from'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -f -a "shell" -d 'Print what a shell reads to say above its prompt what changed, and to complete aim-*'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -f -a "prompt" -d 'What that calls'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_needs_command" -f -a "help" -d 'Print the help of a command'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand sync" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand sync" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand sync" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand sync" -l check -d 'Only compare: exit 1 on a difference, change nothing'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand sync" -l wait -d 'Wait until the worker is ready at the new generation'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand sync" -s h -l help -d 'Print help'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand sync" -l json -d 'Print data as JSON'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand sync" -s q -l quiet -d 'Print only data and errors'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand sync" -s v -l verbose -d 'Print more detail'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand init" -l python -d 'The interpreter for a new environment: a path, a name (python3.11) or a version (3.11)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand init" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand init" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand init" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand init" -s h -l help -d 'Print help'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand init" -l json -d 'Print data as JSON'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand init" -s q -l quiet -d 'Print only data and errors'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand init" -s v -l verbose -d 'Print more detail'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand status" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand status" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand status" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand status" -s h -l help -d 'Print help'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand status" -l json -d 'Print data as JSON'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand status" -s q -l quiet -d 'Print only data and errors'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand status" -s v -l verbose -d 'Print more detail'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand remove" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand remove" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand remove" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand remove" -s h -l help -d 'Print help'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand remove" -l json -d 'Print data as JSON'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand remove" -s q -l quiet -d 'Print only data and errors'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand remove" -s v -l verbose -d 'Print more detail'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand list" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand list" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand list" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand list" -s h -l help -d 'Print help'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand list" -l json -d 'Print data as JSON'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand list" -s q -l quiet -d 'Print only data and errors'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand list" -s v -l verbose -d 'Print more detail'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand forget" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand forget" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand forget" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand forget" -s h -l help -d 'Print help'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand forget" -l json -d 'Print data as JSON'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand forget" -s q -l quiet -d 'Print only data and errors'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand forget" -s v -l verbose -d 'Print more detail'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand doctor" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand doctor" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand doctor" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand doctor" -l clean -d 'Remove what a killed pip has left behind (folders that begin with ~)'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand doctor" -l json -d 'Print data as JSON'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand doctor" -s q -l quiet -d 'Print only data and errors'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand doctor" -s v -l verbose -d 'Print more detail'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand allow" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand allow" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand allow" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand allow" -l remove -d 'Take back what was allowed for this project'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand allow" -s h -l help -d 'Print help'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand allow" -l json -d 'Print data as JSON'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand allow" -s q -l quiet -d 'Print only data and errors'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand allow" -s v -l verbose -d 'Print more detail'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand config" -l explain -d 'Explain this setting, or all of them: meaning, values, default, variable, a line for a file' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand config" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand config" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand config" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand config" -s h -l help -d 'Print help'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand config" -l json -d 'Print data as JSON'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand config" -s q -l quiet -d 'Print only data and errors'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand config" -s v -l verbose -d 'Print more detail'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand shell" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand shell" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand shell" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand shell" -l completions -d 'Only the completions'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand shell" -s h -l help -d 'Print help'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand shell" -l json -d 'Print data as JSON'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand shell" -s q -l quiet -d 'Print only data and errors'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand shell" -s v -l verbose -d 'Print more detail'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand prompt" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand prompt" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand prompt" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand prompt" -l pending -d 'The worker was on its way then'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand prompt" -s h -l help -d 'Print help'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand prompt" -l json -d 'Print data as JSON'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand prompt" -s q -l quiet -d 'Print only data and errors'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand prompt" -s v -l verbose -d 'Print more detail'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand help; and not __fish_seen_subcommand_from sync init status remove list forget doctor allow config shell prompt help" -f -a "sync" -d 'Record what other tools changed and put the hook back (the default)'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand help; and not __fish_seen_subcommand_from sync init status remove list forget doctor allow config shell prompt help" -f -a "init" -d 'Make an environment if there is none, put the hook in, record what is there'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand help; and not __fish_seen_subcommand_from sync init status remove list forget doctor allow config shell prompt help" -f -a "status" -d 'Show environment, generation, shim, daemon and worker'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand help; and not __fish_seen_subcommand_from sync init status remove list forget doctor allow config shell prompt help" -f -a "remove" -d 'Take the hook out again; the history stays'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand help; and not __fish_seen_subcommand_from sync init status remove list forget doctor allow config shell prompt help" -f -a "list" -d 'Show every environment that was set up on this machine'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand help; and not __fish_seen_subcommand_from sync init status remove list forget doctor allow config shell prompt help" -f -a "forget" -d 'Take an environment out of the list; nothing in it is changed'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand help; and not __fish_seen_subcommand_from sync init status remove list forget doctor allow config shell prompt help" -f -a "doctor" -d 'Check every part and say what to type where one is wrong'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand help; and not __fish_seen_subcommand_from sync init status remove list forget doctor allow config shell prompt help" -f -a "allow" -d 'Let this project\'s .pip-logs be a link to a folder elsewhere'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand help; and not __fish_seen_subcommand_from sync init status remove list forget doctor allow config shell prompt help" -f -a "config" -d 'Print every setting and where it came from'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand help; and not __fish_seen_subcommand_from sync init status remove list forget doctor allow config shell prompt help" -f -a "shell" -d 'Print what a shell reads to say above its prompt what changed, and to complete aim-*'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand help; and not __fish_seen_subcommand_from sync init status remove list forget doctor allow config shell prompt help" -f -a "prompt" -d 'What that calls'
complete -c aim-venv-sync -n "__fish_aim_venv_sync_using_subcommand help; and not __fish_seen_subcommand_from sync init status remove list forget doctor allow config shell prompt help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
