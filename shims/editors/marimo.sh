#!/bin/sh
# marimo starts the basedpyright-langserver that it finds first on PATH. So this script, made executable, must be
# ~/.local/share/aim-lsp/basedpyright-langserver, and marimo be started with that folder first (an activated environment is before it):
#     PATH=~/.local/share/aim-lsp:$PATH marimo edit
# marimo wants basedpyright in its own environment, and node on PATH.
# In pyproject.toml, since marimo shows diagnostics only when told to:
#     [tool.marimo.language_servers.basedpyright]
#     enabled = true
#     [tool.marimo.diagnostics]
#     enabled = true
# The real server is that of the project's environment, or the next one on PATH.
PATH=${PATH#*:}
exec "@aim-lsp@" -- basedpyright-langserver "$@"
