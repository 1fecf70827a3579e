complete --keep-order --exclusive --command aim-worker --arguments "(AIM_COMPLETE=fish aim-worker -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
