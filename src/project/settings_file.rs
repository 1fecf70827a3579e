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
    Ok(in_order(text, DeTable::parse(text)?.into_inner()))
}

/// The entries of the file `text` but for the tables `apart`, and the values of those.
///
/// # Errors
/// As [`entries`].
pub(super) fn entries_but<'t, const N: usize>(
    text: &'t str,
    apart: [&str; N],
) -> Result<Apart<'t, N>, Error> {
    let mut whole = DeTable::parse(text)?.into_inner();
    let tables = apart.map(|name| whole.remove(name));
    Ok((in_order(text, whole), tables))
}

/// Entries, and the values that stand apart from them.
pub(super) type Apart<'t, const N: usize> = (Vec<Entry<'t>>, [Option<Spanned<DeValue<'t>>>; N]);

/// The entries of these tables of the file `text`, each named by the tables that it stands in, in this order: those of
/// one table as they stand there, those of the next after them.
///
/// # Errors
/// As [`entries`].
pub(super) fn entries_in<'t>(text: &'t str, tables: &[&[&str]]) -> Result<Vec<Entry<'t>>, Error> {
    let mut whole = DeTable::parse(text)?.into_inner();
    let tables = tables.iter().filter_map(|path| take(&mut whole, path));
    Ok(tables.flat_map(|table| in_order(text, table)).collect())
}

fn take<'t>(table: &mut DeTable<'t>, path: &[&str]) -> Option<DeTable<'t>> {
    let Some((first, rest)) = path.split_first() else {
        return Some(std::mem::take(table));
    };
    match table.get_mut(*first)?.get_mut() {
        DeValue::Table(inner) => take(inner, rest),
        _ => None,
    }
}

fn in_order<'t>(text: &str, table: DeTable<'t>) -> Vec<Entry<'t>> {
    let mut found = Vec::new();
    flatten("", table, &mut found);
    found.sort_by_key(|(at, ..)| *at);
    // Lines are counted on from one to the next: a file may have many.
    let (mut seen, mut last) = (0, 1);
    let entries = found.into_iter().map(|(at, name, value)| {
        last += breaks(&text.as_bytes()[seen..at]);
        seen = at;
        Entry {
            name,
            line: last,
            value,
        }
    });
    entries.collect()
}

/// The line, from 1, of the byte `at`.
pub(super) fn line(text: &str, at: usize) -> usize {
    1 + breaks(text.as_bytes().get(..at).unwrap_or_default())
}

fn breaks(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

/// A value with its whole name, and where the last part of that begins in the file.
type Found<'t> = (usize, String, Spanned<DeValue<'t>>);

fn flatten<'t>(above: &str, table: DeTable<'t>, found: &mut Vec<Found<'t>>) {
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
            DeValue::Table(table) => flatten(&format!("{name}."), table, found),
            value => found.push((at, name, Spanned::new(span, value))),
        }
    }
}
