complete --keep-order --exclusive --command aim-backend --arguments "(AIM_COMPLETE=fish aim-backend -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
