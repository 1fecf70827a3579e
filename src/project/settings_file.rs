//! What a settings file says: names, values, and the line that each stands on.

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

/// A value, its name with the names of the tables that it stands in (`lock.timeout`), and its line.
pub(super) struct Entry<'t> {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) value: Spanned<DeValue<'t>>,
}

/// The entries of the file `text`, as they stand there.
///
/// # Errors
/// What the file has that is no TOML.
pub(super) fn entries(text: &str) -> Result<Vec<Entry<'_>>, Error> {
    let mut entries = Vec::new();
    flatten(text, "", DeTable::parse(text)?.into_inner(), &mut entries);
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

/// The line, from 1, of the byte `at`.
pub(super) fn line(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    1 + memchr::memchr_iter(b'\n', before).count()
}

fn flatten<'t>(text: &str, above: &str, table: DeTable<'t>, entries: &mut Vec<Entry<'t>>) {
    for (key, value) in table {
        let at = key.span().start;
        let key = key.into_inner();
        // A dot inside a name is none between two.
        let name = if key.contains('.') {
            format!("{above}\"{key}\"")
        } else {
            format!("{above}{key}")
        };
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => flatten(text, &format!("{name}."), table, entries),
            value => entries.push(Entry {
                name,
                line: line(text, at),
                value: Spanned::new(span, value),
            }),
        }
    }
}
