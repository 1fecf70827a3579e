//! A real Neovim, with what `print-config` prints for it.

use std::process::{Command, Stdio};

use super::servers::released;
use crate::sandbox::{Ran, Sandbox, skipped};

/// Opens a file with an import that is missing, has pip install it, and writes down what is shown before and after.
const SCRIPT: &str = r#"
local words = function()
  local all = {}
  for _, one in ipairs(vim.diagnostic.get(0)) do
    table.insert(all, one.message)
  end
  return table.concat(all, " | ")
end
local misses = function()
  return string.find(words(), "could not be resolved", 1, true) ~= nil
end
vim.cmd("edit main.py")
vim.cmd("setfiletype python")
local log = io.open("seen.txt", "w")
if not vim.wait(60000, misses, 50) then
  log:write("never missing: " .. words() .. "\n")
else
  log:write("missing\n")
  vim.fn.system(vim.env.AIM_TEST_INSTALL)
  local found = vim.wait(60000, function() return not misses() end, 50)
  log:write(found and "found\n" or ("still missing: " .. words() .. "\n"))
  log:write("servers: " .. #vim.lsp.get_active_clients() .. "\n")
end
log:close()
vim.cmd("qall!")
"#;

#[test]
fn a_squiggle_goes_in_neovim() {
    if Command::new("nvim").arg("--version").output().is_err() {
        return skipped("nvim is not here");
    }
    let Some(server) = released("basedpyright-langserver") else {
        return;
    };
    let sandbox = Sandbox::ready();
    let config = sandbox
        .run("aim-lsp", ["print-config", "neovim"])
        .ok()
        .stdout();
    let config = config.replace("\"basedpyright-langserver\"", &format!("{server:?}"));
    assert!(config.contains(&server), "{config}");
    sandbox.write("init.lua", &config);
    sandbox.write("script.lua", SCRIPT);
    sandbox.write("main.py", "import alpha\n");
    let wheel = sandbox.wheel("alpha", "1.0");
    let install = format!(
        "{} install --no-index --no-deps {}",
        sandbox.bin("pip").display(),
        wheel.display()
    );
    let mut neovim = sandbox.command("nvim");
    neovim
        .args(["--headless", "-u", "init.lua", "-c", "luafile script.lua"])
        .env("AIM_TEST_INSTALL", install)
        .stdin(Stdio::null());
    let ran = Ran::of(&mut neovim);
    let seen = std::fs::read_to_string(sandbox.project().join("seen.txt"));
    let seen = seen.unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(seen, "missing\nfound\nservers: 1\n", "{ran:?}");
}

#[test]
fn every_editor_has_its_settings() {
    let sandbox = Sandbox::new();
    for editor in [
        "vscode",
        "neovim",
        "helix",
        "zed",
        "emacs",
        "jupyterlab",
        "marimo",
    ] {
        let ran = sandbox.run("aim-lsp", ["print-config", editor]).ok();
        let text = ran.stdout();
        assert!(
            !text.contains("@aim-lsp@") && text.contains("aim-lsp"),
            "{editor}: {text}"
        );
    }
    sandbox.run("aim-lsp", ["print-config", "ed"]).exits(2);
}

/// A server of notebooks may have another `PATH` than the shell: it names the language server in its own environment.
#[test]
fn the_settings_of_jupyterlab_and_marimo_can_be_read() {
    let sandbox = Sandbox::new();
    for editor in ["jupyterlab", "marimo"] {
        let text = sandbox
            .run("aim-lsp", ["print-config", editor])
            .ok()
            .stdout();
        sandbox.write(editor, &text);
    }
    let script = "
import sys, types
c = types.SimpleNamespace(LanguageServerManager=types.SimpleNamespace())
exec(open('jupyterlab').read())
[server] = c.LanguageServerManager.language_servers.values()
assert server['argv'][1:] == ['--', sys.prefix + '/bin/basedpyright-langserver', '--stdio'], server
";
    for (program, arguments) in [("python3", ["-c", script]), ("sh", ["-n", "marimo"])] {
        Ran::of(sandbox.command(program).args(arguments)).ok();
    }
}
