-- Neovim: in init.lua. Works from 0.7 on; the server's name stands in `command`.
local command = { "@aim-lsp@", "--", "basedpyright-langserver", "--stdio" }
local servers = {}

vim.api.nvim_create_autocmd("FileType", {
  pattern = "python",
  callback = function(event)
    local venv = vim.fn.finddir(".venv", vim.fn.expand("%:p:h") .. ";")
    local root = venv ~= "" and vim.fn.fnamemodify(venv, ":p:h:h") or vim.fn.getcwd()
    local config = { name = "aim-lsp", cmd = command, cmd_cwd = root, root_dir = root }
    if vim.lsp.start then
      vim.lsp.start(config)
    else
      servers[root] = servers[root] or vim.lsp.start_client(config)
      vim.lsp.buf_attach_client(event.buf, servers[root])
    end
  end,
})
