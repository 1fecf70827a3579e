complete --keep-order --exclusive --command aim-lsp --arguments "(AIM_COMPLETE=fish aim-lsp -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
