# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_aim_worker_global_optspecs
    string join \n project= env= json q/quiet v/verbose color= h/help V/version
end

function __fish_aim_worker_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_aim_worker_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_aim_worker_using_subcommand
    set -l cmd (__fish_aim_worker_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c aim-worker -n "__fish_aim_worker_needs_command" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-worker -n "__fish_aim_worker_needs_command" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-worker -n "__fish_aim_worker_needs_command" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-worker -n "__fish_aim_worker_needs_command" -l json -d 'Print data as JSON'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -s q -l quiet -d 'Print only data and errors'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -s v -l verbose -d 'Print more detail'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -s h -l help -d 'Print help'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -s V -l version -d 'Print the version'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -f -a "status" -d 'Show the state of the project\'s worker'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -f -a "list" -d 'List every project that the daemon knows, and its worker'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -f -a "start" -d 'Start the worker'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -f -a "stop" -d 'Stop the worker'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -f -a "restart" -d 'Put a fresh worker in the place of the present one'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -f -a "interrupt" -d 'End the nodes that run; the worker stays'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -f -a "run" -d 'Run one node and print its output'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -f -a "flow" -d 'Run the project\'s flow and print its results'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -f -a "logs" -d 'Print what the worker said, and why it did not start'
complete -c aim-worker -n "__fish_aim_worker_needs_command" -f -a "help" -d 'Print the help of a command'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand status" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand status" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-worker -n "__fish_aim_worker_using_subcommand status" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-worker -n "__fish_aim_worker_using_subcommand status" -s h -l help -d 'Print help'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand status" -l json -d 'Print data as JSON'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand status" -s q -l quiet -d 'Print only data and errors'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand status" -s v -l verbose -d 'Print more detail'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand list" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand list" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-worker -n "__fish_aim_worker_using_subcommand list" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-worker -n "__fish_aim_worker_using_subcommand list" -s h -l help -d 'Print help'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand list" -l json -d 'Print data as JSON'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand list" -s q -l quiet -d 'Print only data and errors'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand list" -s v -l verbose -d 'Print more detail'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand start" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand start" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-worker -n "__fish_aim_worker_using_subcommand start" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-worker -n "__fish_aim_worker_using_subcommand start" -s h -l help -d 'Print help'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand start" -l json -d 'Print data as JSON'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand start" -s q -l quiet -d 'Print only data and errors'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand start" -s v -l verbose -d 'Print more detail'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand stop" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand stop" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-worker -n "__fish_aim_worker_using_subcommand stop" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-worker -n "__fish_aim_worker_using_subcommand stop" -l now -d 'Do not wait for a running node: end it'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand stop" -s h -l help -d 'Print help'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand stop" -l json -d 'Print data as JSON'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand stop" -s q -l quiet -d 'Print only data and errors'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand stop" -s v -l verbose -d 'Print more detail'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand restart" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand restart" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-worker -n "__fish_aim_worker_using_subcommand restart" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-worker -n "__fish_aim_worker_using_subcommand restart" -l now -d 'Do not wait for a running node: end it'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand restart" -s h -l help -d 'Print help'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand restart" -l json -d 'Print data as JSON'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand restart" -s q -l quiet -d 'Print only data and errors'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand restart" -s v -l verbose -d 'Print more detail'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand interrupt" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand interrupt" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-worker -n "__fish_aim_worker_using_subcommand interrupt" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-worker -n "__fish_aim_worker_using_subcommand interrupt" -s h -l help -d 'Print help'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand interrupt" -l json -d 'Print data as JSON'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand interrupt" -s q -l quiet -d 'Print only data and errors'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand interrupt" -s v -l verbose -d 'Print more detail'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand run" -s i -l input -d 'The node\'s input: JSON, or - to read JSON from standard input (default: {})' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand run" -l timeout -d 'How long it may run: it is interrupted then, and killed when that does not help' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand run" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand run" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-worker -n "__fish_aim_worker_using_subcommand run" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-worker -n "__fish_aim_worker_using_subcommand run" -l here -d 'Run it in this terminal with its keyboard, for input() and breakpoint(), without the daemon'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand run" -s h -l help -d 'Print help'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand run" -l json -d 'Print data as JSON'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand run" -s q -l quiet -d 'Print only data and errors'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand run" -s v -l verbose -d 'Print more detail'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand flow" -l start -d 'The node to start from (default: the only start node)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand flow" -l value -d 'A value for a text-input or result node, in the place of the stored one (repeatable): JSON where it is JSON, else a text; a text that looks like JSON goes in quotes, as in 5=\'"10"\'' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand flow" -l max-workers -d 'Nodes that may run at the same time, 1 to 10 (4)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand flow" -l timeout -d 'How long each node may run, 1 to 300 (30)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand flow" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand flow" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-worker -n "__fish_aim_worker_using_subcommand flow" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-worker -n "__fish_aim_worker_using_subcommand flow" -l keep-going -d 'Go on after a node failed; what depends on it runs without its value'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand flow" -s h -l help -d 'Print help'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand flow" -l json -d 'Print data as JSON'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand flow" -s q -l quiet -d 'Print only data and errors'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand flow" -s v -l verbose -d 'Print more detail'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand logs" -s n -l lines -d 'At most this many lines from the end (200)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand logs" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-worker -n "__fish_aim_worker_using_subcommand logs" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-worker -n "__fish_aim_worker_using_subcommand logs" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-worker -n "__fish_aim_worker_using_subcommand logs" -s f -l follow -d 'Go on as the log grows'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand logs" -s h -l help -d 'Print help'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand logs" -l json -d 'Print data as JSON'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand logs" -s q -l quiet -d 'Print only data and errors'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand logs" -s v -l verbose -d 'Print more detail'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand help; and not __fish_seen_subcommand_from status list start stop restart interrupt run flow logs help" -f -a "status" -d 'Show the state of the project\'s worker'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand help; and not __fish_seen_subcommand_from status list start stop restart interrupt run flow logs help" -f -a "list" -d 'List every project that the daemon knows, and its worker'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand help; and not __fish_seen_subcommand_from status list start stop restart interrupt run flow logs help" -f -a "start" -d 'Start the worker'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand help; and not __fish_seen_subcommand_from status list start stop restart interrupt run flow logs help" -f -a "stop" -d 'Stop the worker'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand help; and not __fish_seen_subcommand_from status list start stop restart interrupt run flow logs help" -f -a "restart" -d 'Put a fresh worker in the place of the present one'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand help; and not __fish_seen_subcommand_from status list start stop restart interrupt run flow logs help" -f -a "interrupt" -d 'End the nodes that run; the worker stays'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand help; and not __fish_seen_subcommand_from status list start stop restart interrupt run flow logs help" -f -a "run" -d 'Run one node and print its output'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand help; and not __fish_seen_subcommand_from status list start stop restart interrupt run flow logs help" -f -a "flow" -d 'Run the project\'s flow and print its results'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand help; and not __fish_seen_subcommand_from status list start stop restart interrupt run flow logs help" -f -a "logs" -d 'Print what the worker said, and why it did not start'
complete -c aim-worker -n "__fish_aim_worker_using_subcommand help; and not __fish_seen_subcommand_from status list start stop restart interrupt run flow logs help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
