//! jedi-language-server: looks at the packages anew with each request, but at path files only when it begins.

use super::way::Way;
use crate::lsp::change::Change;

pub(super) fn way(change: &Change) -> Way {
    if change.moves_paths {
        Way::Replace
    } else {
        Way::Nothing
    }
}
