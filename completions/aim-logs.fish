# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_aim_logs_global_optspecs
    string join \n project= env= json q/quiet v/verbose color= n/limit= all failed since= until= package= format= no-pager h/help V/version
end

function __fish_aim_logs_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_aim_logs_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_aim_logs_using_subcommand
    set -l cmd (__fish_aim_logs_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c aim-logs -n "__fish_aim_logs_needs_command" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-logs -n "__fish_aim_logs_needs_command" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-logs -n "__fish_aim_logs_needs_command" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-logs -n "__fish_aim_logs_needs_command" -s n -l limit -d 'At most this many runs (20); 0 for all' -r
complete -c aim-logs -n "__fish_aim_logs_needs_command" -l since -d 'Only runs since then: 45m, 2d, `2 hours ago`, 10:00, today, yesterday, `tuesday 14:00`, 2026-03-01' -r
complete -c aim-logs -n "__fish_aim_logs_needs_command" -l until -d 'Only runs until then; to the end of a day that is named' -r
complete -c aim-logs -n "__fish_aim_logs_needs_command" -l package -d 'Only runs that named or changed this package' -r
complete -c aim-logs -n "__fish_aim_logs_needs_command" -l format -d 'Print a line a run: text, with fields of --json in braces, such as {number} or {action}' -r
complete -c aim-logs -n "__fish_aim_logs_needs_command" -l json -d 'Print data as JSON'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -s q -l quiet -d 'Print only data and errors'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -s v -l verbose -d 'Print more detail'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -l all -d 'Those of every environment in the project\'s folder'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -l failed -d 'Only runs that did not succeed'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -l no-pager -d 'Print long output at once, without a pager'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -s h -l help -d 'Print help'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -s V -l version -d 'Print the version'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -a "list" -d 'List runs, newest first (this is what aim-logs does by itself)'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -a "show" -d 'Show one run: what was done, what changed, what was printed'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -a "follow" -d 'Show runs as they happen'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -a "history" -d 'Show every version that a package has had here, and by which run'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -a "state" -d 'Print what was installed at a time, as lines that pip takes'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -a "diff" -d 'Show what changed between two times, runs or generations'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -a "stats" -d 'The history in a few numbers: runs, failures, time in pip, size of logs'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -a "prune" -d 'Remove what is older or more than the settings keep'
complete -c aim-logs -n "__fish_aim_logs_needs_command" -a "help" -d 'Print the help of a command'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -s n -l limit -d 'At most this many runs (20); 0 for all' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -l since -d 'Only runs since then: 45m, 2d, `2 hours ago`, 10:00, today, yesterday, `tuesday 14:00`, 2026-03-01' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -l until -d 'Only runs until then; to the end of a day that is named' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -l package -d 'Only runs that named or changed this package' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -l format -d 'Print a line a run: text, with fields of --json in braces, such as {number} or {action}' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -l all -d 'Those of every environment in the project\'s folder'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -l failed -d 'Only runs that did not succeed'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -s h -l help -d 'Print help'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -l json -d 'Print data as JSON'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -s q -l quiet -d 'Print only data and errors'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -s v -l verbose -d 'Print more detail'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand list" -l no-pager -d 'Print long output at once, without a pager'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand show" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand show" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-logs -n "__fish_aim_logs_using_subcommand show" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-logs -n "__fish_aim_logs_using_subcommand show" -l stdout -d 'Print only the run\'s standard output'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand show" -l stderr -d 'Print only the run\'s error output'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand show" -l path -d 'Print only the path of the log'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand show" -s h -l help -d 'Print help'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand show" -l json -d 'Print data as JSON'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand show" -s q -l quiet -d 'Print only data and errors'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand show" -s v -l verbose -d 'Print more detail'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand show" -l no-pager -d 'Print long output at once, without a pager'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand follow" -s n -l limit -d 'Begin with this many earlier runs (3)' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand follow" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand follow" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-logs -n "__fish_aim_logs_using_subcommand follow" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-logs -n "__fish_aim_logs_using_subcommand follow" -s h -l help -d 'Print help'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand follow" -l json -d 'Print data as JSON'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand follow" -s q -l quiet -d 'Print only data and errors'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand follow" -s v -l verbose -d 'Print more detail'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand follow" -l no-pager -d 'Print long output at once, without a pager'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand history" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand history" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-logs -n "__fish_aim_logs_using_subcommand history" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-logs -n "__fish_aim_logs_using_subcommand history" -s h -l help -d 'Print help'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand history" -l json -d 'Print data as JSON'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand history" -s q -l quiet -d 'Print only data and errors'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand history" -s v -l verbose -d 'Print more detail'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand history" -l no-pager -d 'Print long output at once, without a pager'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand state" -l at -d '`now`, a time (yesterday: as that day began), a run (27: after it) or a generation (g12)' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand state" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand state" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-logs -n "__fish_aim_logs_using_subcommand state" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-logs -n "__fish_aim_logs_using_subcommand state" -s h -l help -d 'Print help'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand state" -l json -d 'Print data as JSON'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand state" -s q -l quiet -d 'Print only data and errors'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand state" -s v -l verbose -d 'Print more detail'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand state" -l no-pager -d 'Print long output at once, without a pager'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand diff" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand diff" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-logs -n "__fish_aim_logs_using_subcommand diff" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-logs -n "__fish_aim_logs_using_subcommand diff" -s h -l help -d 'Print help'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand diff" -l json -d 'Print data as JSON'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand diff" -s q -l quiet -d 'Print only data and errors'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand diff" -s v -l verbose -d 'Print more detail'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand diff" -l no-pager -d 'Print long output at once, without a pager'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand stats" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand stats" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-logs -n "__fish_aim_logs_using_subcommand stats" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-logs -n "__fish_aim_logs_using_subcommand stats" -s h -l help -d 'Print help'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand stats" -l json -d 'Print data as JSON'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand stats" -s q -l quiet -d 'Print only data and errors'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand stats" -s v -l verbose -d 'Print more detail'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand stats" -l no-pager -d 'Print long output at once, without a pager'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand prune" -l runs -d 'Keep at most this many runs, whatever the settings say' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand prune" -l days -d 'Keep at most this many days, whatever the settings say' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand prune" -l mib -d 'Keep at most this many MiB of logs, whatever the settings say' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand prune" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-logs -n "__fish_aim_logs_using_subcommand prune" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-logs -n "__fish_aim_logs_using_subcommand prune" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-logs -n "__fish_aim_logs_using_subcommand prune" -l dry-run -d 'Only say what would be removed'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand prune" -s h -l help -d 'Print help'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand prune" -l json -d 'Print data as JSON'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand prune" -s q -l quiet -d 'Print only data and errors'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand prune" -s v -l verbose -d 'Print more detail'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand prune" -l no-pager -d 'Print long output at once, without a pager'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand help; and not __fish_seen_subcommand_from list show follow history state diff stats prune help" -f -a "list" -d 'List runs, newest first (this is what aim-logs does by itself)'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand help; and not __fish_seen_subcommand_from list show follow history state diff stats prune help" -f -a "show" -d 'Show one run: what was done, what changed, what was printed'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand help; and not __fish_seen_subcommand_from list show follow history state diff stats prune help" -f -a "follow" -d 'Show runs as they happen'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand help; and not __fish_seen_subcommand_from list show follow history state diff stats prune help" -f -a "history" -d 'Show every version that a package has had here, and by which run'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand help; and not __fish_seen_subcommand_from list show follow history state diff stats prune help" -f -a "state" -d 'Print what was installed at a time, as lines that pip takes'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand help; and not __fish_seen_subcommand_from list show follow history state diff stats prune help" -f -a "diff" -d 'Show what changed between two times, runs or generations'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand help; and not __fish_seen_subcommand_from list show follow history state diff stats prune help" -f -a "stats" -d 'The history in a few numbers: runs, failures, time in pip, size of logs'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand help; and not __fish_seen_subcommand_from list show follow history state diff stats prune help" -f -a "prune" -d 'Remove what is older or more than the settings keep'
complete -c aim-logs -n "__fish_aim_logs_using_subcommand help; and not __fish_seen_subcommand_from list show follow history state diff stats prune help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
