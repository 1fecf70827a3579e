# JupyterLab with jupyterlab-lsp: in jupyter_server_config.py (`jupyter --paths` shows where it may lie).
# The server is that of JupyterLab's own environment (`pip install basedpyright` there), whatever PATH is.
# JupyterLab itself is started in the project's folder: from a folder above it, no environment is found.
import sys

c.LanguageServerManager.language_servers = {
    "aim-lsp": {
        "argv": ["@aim-lsp@", "--", sys.prefix + "/bin/basedpyright-langserver", "--stdio"],
        "display_name": "basedpyright, in step with the environment",
        "languages": ["python"],
        "mime_types": ["text/x-python", "text/x-ipython"],
        "version": 2,
    },
}
