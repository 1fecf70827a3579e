#!/bin/sh
# marimo starts the server that it finds first on PATH. So this script, with the server's own name, must lie in a folder that comes
# first there: ~/.local/share/aim-lsp/basedpyright-langserver, say. Name the real server by its whole path below.
# In pyproject.toml: [tool.marimo.language_servers.basedpyright] enabled = true
exec "@aim-lsp@" -- /usr/local/bin/basedpyright-langserver "$@"
