//! Makes `page.rs`: the files of the built page (`web/page/dist`), compressed, as Rust; none where nobody has built it.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A program that lists the files of the built page in `dist`, and puts what they hold beside it, into `out`.
///
/// # Errors
/// What the system says to a file that cannot be read or written.
pub fn rust(dist: &Path, out: &Path) -> io::Result<String> {
    let mut text = String::from("pub(super) static FILES: &[PageFile] = &[\n");
    let mut files = Vec::new();
    find(dist, "", &mut files)?;
    files.sort();
    for (number, name) in files.iter().enumerate() {
        let packed = format!("page-{number}.gz");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&std::fs::read(dist.join(name))?)?;
        std::fs::write(out.join(&packed), gzip.finish()?)?;
        let _ = writeln!(
            text,
            "    PageFile {{ name: {name:?}, gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), {:?})) }},",
            format!("/{packed}")
        );
    }
    text.push_str("];\n");
    Ok(text)
}

/// Puts the names of the files below `prefix` in `dist` into `found`.
fn find(dist: &Path, prefix: &str, found: &mut Vec<String>) -> io::Result<()> {
    for entry in std::fs::read_dir(dist.join(prefix))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        let name = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}/{name}")
        };
        if entry.file_type()?.is_dir() {
            find(dist, &name, found)?;
        } else {
            found.push(name);
        }
    }
    Ok(())
}
