# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_aim_lsp_global_optspecs
    string join \n project= env= json q/quiet v/verbose color= h/help V/version
end

function __fish_aim_lsp_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_aim_lsp_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_aim_lsp_using_subcommand
    set -l cmd (__fish_aim_lsp_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c aim-lsp -n "__fish_aim_lsp_needs_command" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-lsp -n "__fish_aim_lsp_needs_command" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-lsp -n "__fish_aim_lsp_needs_command" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-lsp -n "__fish_aim_lsp_needs_command" -l json -d 'Print data as JSON'
complete -c aim-lsp -n "__fish_aim_lsp_needs_command" -s q -l quiet -d 'Print only data and errors'
complete -c aim-lsp -n "__fish_aim_lsp_needs_command" -s v -l verbose -d 'Print more detail'
complete -c aim-lsp -n "__fish_aim_lsp_needs_command" -s h -l help -d 'Print help'
complete -c aim-lsp -n "__fish_aim_lsp_needs_command" -s V -l version -d 'Print the version'
complete -c aim-lsp -n "__fish_aim_lsp_needs_command" -a "print-config" -d 'What to paste into an editor\'s settings'
complete -c aim-lsp -n "__fish_aim_lsp_needs_command" -a "status" -d 'The language servers that run through aim-lsp'
complete -c aim-lsp -n "__fish_aim_lsp_needs_command" -a "help" -d 'Print the help of a command'
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand print-config" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand print-config" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand print-config" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand print-config" -s h -l help -d 'Print help'
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand print-config" -l json -d 'Print data as JSON'
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand print-config" -s q -l quiet -d 'Print only data and errors'
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand print-config" -s v -l verbose -d 'Print more detail'
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand status" -l project -d 'The project: its folder, or its id at the daemon (default: the project of the working folder, else of $VIRTUAL_ENV)' -r
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand status" -l env -d 'The project of this environment: its folder' -r -F
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand status" -l color -d 'When to use colour: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` says otherwise'
always\t'Always'
never\t'Never'"
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand status" -s h -l help -d 'Print help'
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand status" -l json -d 'Print data as JSON'
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand status" -s q -l quiet -d 'Print only data and errors'
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand status" -s v -l verbose -d 'Print more detail'
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand help; and not __fish_seen_subcommand_from print-config status help" -f -a "print-config" -d 'What to paste into an editor\'s settings'
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand help; and not __fish_seen_subcommand_from print-config status help" -f -a "status" -d 'The language servers that run through aim-lsp'
complete -c aim-lsp -n "__fish_aim_lsp_using_subcommand help; and not __fish_seen_subcommand_from print-config status help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
