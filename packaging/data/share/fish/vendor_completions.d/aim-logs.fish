complete --keep-order --exclusive --command aim-logs --arguments "(AIM_COMPLETE=fish aim-logs -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
