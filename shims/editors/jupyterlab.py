# JupyterLab with jupyterlab-lsp: in jupyter_server_config.py (`jupyter --paths` shows where it may lie).
c.LanguageServerManager.language_servers = {
    "aim-lsp": {
        "argv": ["@aim-lsp@", "--", "pylsp"],
        "display_name": "pylsp, in step with the environment",
        "languages": ["python"],
        "mime_types": ["text/x-python", "text/x-ipython"],
        "version": 2,
    },
}
