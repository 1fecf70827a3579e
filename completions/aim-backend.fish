# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_aim_backend_global_optspecs
    string join \n project= env= json q/quiet v/verbose color= h/help V/version
end

function __fish_aim_backend_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_aim_backend_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_aim_backend_using_subcommand
    set -l cmd (__fish_aim_backend_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c aim-backend -n "__fish_aim_backend_needs_command" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-backend -n "__fish_aim_backend_needs_command" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-backend -n "__fish_aim_backend_needs_command" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-backend -n "__fish_aim_backend_needs_command" -l json -d 'Print data as JSON'
complete -c aim-backend -n "__fish_aim_backend_needs_command" -s q -l quiet -d 'Print only data and errors'
complete -c aim-backend -n "__fish_aim_backend_needs_command" -s v -l verbose -d 'Print more detail'
complete -c aim-backend -n "__fish_aim_backend_needs_command" -s h -l help -d 'Print help'
complete -c aim-backend -n "__fish_aim_backend_needs_command" -s V -l version -d 'Print the version'
complete -c aim-backend -n "__fish_aim_backend_needs_command" -f -a "serve" -d 'Serve until SIGTERM, SIGINT or `aim-backend stop`'
complete -c aim-backend -n "__fish_aim_backend_needs_command" -f -a "status" -d 'Print whether a daemon runs, and what it does'
complete -c aim-backend -n "__fish_aim_backend_needs_command" -f -a "terminals" -d 'List the terminal sessions, or end one'
complete -c aim-backend -n "__fish_aim_backend_needs_command" -f -a "stop" -d 'End the daemon and its workers'
complete -c aim-backend -n "__fish_aim_backend_needs_command" -f -a "help" -d 'Print the help of a command'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand serve" -l projects-root -d 'A folder whose sub-folders are projects, named by their folder' -r -F
complete -c aim-backend -n "__fish_aim_backend_using_subcommand serve" -l listen -d 'Listen at this TCP address, too, behind a token (AIM_TOKEN, else a random one)' -r
complete -c aim-backend -n "__fish_aim_backend_using_subcommand serve" -l allow-origin -d 'Let web pages of this origin call the TCP address, too (repeatable)' -r
complete -c aim-backend -n "__fish_aim_backend_using_subcommand serve" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-backend -n "__fish_aim_backend_using_subcommand serve" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-backend -n "__fish_aim_backend_using_subcommand serve" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-backend -n "__fish_aim_backend_using_subcommand serve" -s h -l help -d 'Print help'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand serve" -l json -d 'Print data as JSON'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand serve" -s q -l quiet -d 'Print only data and errors'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand serve" -s v -l verbose -d 'Print more detail'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand status" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-backend -n "__fish_aim_backend_using_subcommand status" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-backend -n "__fish_aim_backend_using_subcommand status" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-backend -n "__fish_aim_backend_using_subcommand status" -s h -l help -d 'Print help'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand status" -l json -d 'Print data as JSON'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand status" -s q -l quiet -d 'Print only data and errors'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand status" -s v -l verbose -d 'Print more detail'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and not __fish_seen_subcommand_from end help" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and not __fish_seen_subcommand_from end help" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and not __fish_seen_subcommand_from end help" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and not __fish_seen_subcommand_from end help" -s h -l help -d 'Print help'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and not __fish_seen_subcommand_from end help" -l json -d 'Print data as JSON'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and not __fish_seen_subcommand_from end help" -s q -l quiet -d 'Print only data and errors'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and not __fish_seen_subcommand_from end help" -s v -l verbose -d 'Print more detail'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and not __fish_seen_subcommand_from end help" -f -a "end" -d 'End a session and what runs in it'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and not __fish_seen_subcommand_from end help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and __fish_seen_subcommand_from end" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and __fish_seen_subcommand_from end" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and __fish_seen_subcommand_from end" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and __fish_seen_subcommand_from end" -s h -l help -d 'Print help'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and __fish_seen_subcommand_from end" -l json -d 'Print data as JSON'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and __fish_seen_subcommand_from end" -s q -l quiet -d 'Print only data and errors'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and __fish_seen_subcommand_from end" -s v -l verbose -d 'Print more detail'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and __fish_seen_subcommand_from help" -f -a "end" -d 'End a session and what runs in it'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand terminals; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand stop" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-backend -n "__fish_aim_backend_using_subcommand stop" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-backend -n "__fish_aim_backend_using_subcommand stop" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-backend -n "__fish_aim_backend_using_subcommand stop" -s h -l help -d 'Print help'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand stop" -l json -d 'Print data as JSON'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand stop" -s q -l quiet -d 'Print only data and errors'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand stop" -s v -l verbose -d 'Print more detail'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand help; and not __fish_seen_subcommand_from serve status terminals stop help" -f -a "serve" -d 'Serve until SIGTERM, SIGINT or `aim-backend stop`'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand help; and not __fish_seen_subcommand_from serve status terminals stop help" -f -a "status" -d 'Print whether a daemon runs, and what it does'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand help; and not __fish_seen_subcommand_from serve status terminals stop help" -f -a "terminals" -d 'List the terminal sessions, or end one'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand help; and not __fish_seen_subcommand_from serve status terminals stop help" -f -a "stop" -d 'End the daemon and its workers'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand help; and not __fish_seen_subcommand_from serve status terminals stop help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c aim-backend -n "__fish_aim_backend_using_subcommand help; and __fish_seen_subcommand_from terminals" -f -a "end" -d 'End a session and what runs in it'
