//! `aim-lsp print-config EDITOR`: what to paste, and where.

use super::cli::{Editor, PrintConfigArgs};
use crate::console::Console;
use crate::error::{Exit, Result};
use crate::host::Host;

/// Stands in the settings for this program.
const PROGRAM: &str = "@aim-lsp@";

pub(super) fn print(console: &mut Console, host: &Host, args: PrintConfigArgs) -> Result<Exit> {
    // An editor that was not started from a shell has another PATH: so the whole path.
    let program = host
        .exe()
        .and_then(|path| path.to_str())
        .unwrap_or("aim-lsp");
    console.text(text(args.editor).replace(PROGRAM, program))?;
    Ok(Exit::Done)
}

/// The settings as they are pasted; their first lines say where.
fn text(editor: Editor) -> &'static str {
    match editor {
        Editor::Vscode => include_str!("../../shims/editors/vscode.jsonc"),
        Editor::Neovim => include_str!("../../shims/editors/neovim.lua"),
        Editor::Helix => include_str!("../../shims/editors/helix.toml"),
        Editor::Zed => include_str!("../../shims/editors/zed.jsonc"),
        Editor::Emacs => include_str!("../../shims/editors/emacs.el"),
        Editor::Jupyterlab => include_str!("../../shims/editors/jupyterlab.py"),
        Editor::Marimo => include_str!("../../shims/editors/marimo.sh"),
    }
}
