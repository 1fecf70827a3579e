complete --keep-order --exclusive --command aim-venv-sync --arguments "(AIM_COMPLETE=fish aim-venv-sync -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
