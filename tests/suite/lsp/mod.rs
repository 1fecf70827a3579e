//! `aim-lsp` between an editor and its language server.

mod bad_input;
mod editor;
mod fake;
mod neovim;
mod servers;
mod swaps;
