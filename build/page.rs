//! Makes `page.rs`: the files of the built page (`web/page/dist`), compressed, as Rust; none where nobody has built it.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use walkdir::WalkDir;

/// A program that lists the files of the built page in `dist`, and puts what they hold beside it, into `out`.
///
/// # Errors
/// What the system says to a file that cannot be read or written.
pub fn rust(dist: &Path, out: &Path) -> io::Result<String> {
    let mut text = String::from("pub(super) static FILES: &[PageFile] = &[\n");
    let entries = WalkDir::new(dist).sort_by_file_name().into_iter();
    let files = entries.filter(|entry| {
        entry
            .as_ref()
            .map_or(true, |entry| entry.file_type().is_file())
    });
    for (number, file) in files.enumerate() {
        let file = file?.into_path();
        let name = file.strip_prefix(dist).expect("below the folder");
        let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        let packed = format!("page-{number}.gz");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&std::fs::read(&file)?)?;
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
