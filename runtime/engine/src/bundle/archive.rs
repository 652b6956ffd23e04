//! gzip and tar, read strictly and written reproducibly.
//!
//! OPA's loader skips what it does not know; this one refuses it: links, devices, duplicates, paths that
//! leave the bundle, bytes behind the end.

use crate::LoadError;
use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use tar::{EntryType, Header};

/// Files of a bundle: path without a leading slash, content.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Bounds on a bundle. The defaults are OPA's where OPA has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundleLimits {
    /// Bytes as they come (compressed).
    pub packed: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of all files and their tar headers together.
    pub total: u64,
    /// Number of files.
    pub files: u64,
}

impl Default for BundleLimits {
    fn default() -> Self {
        Self { packed: 1 << 30, file: (1 << 30) - 1, total: 1 << 31, files: 100_000 }
    }
}

/// Opens an archive.
pub(crate) fn read(bytes: &[u8], limits: &BundleLimits) -> Result<Files, LoadError> {
    let tar = unpack(bytes, limits)?;
    let mut archive = tar::Archive::new(tar.as_slice());
    let mut files = Files::new();
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = safe_path(&entry.path_bytes())?;
        match entry.header().entry_type() {
            EntryType::Directory => continue,
            EntryType::Regular => {}
            EntryType::Symlink | EntryType::Link => return Err(LoadError::Link { path }),
            _ => return Err(LoadError::EntryKind { path }),
        }
        bound(&path, entry.size(), limits.file)?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(broken)?;
        if content.len() as u64 != entry.size() {
            return Err(LoadError::Tar(format!("`{path}` is cut off")));
        }
        if files.insert(path.clone(), content).is_some() {
            return Err(LoadError::Duplicate { path });
        }
        bound("files", files.len() as u64, limits.files)?;
    }
    end(archive.into_inner())?;
    Ok(files)
}

/// Undoes gzip: one member, nothing behind it, never more than the limit.
fn unpack(bytes: &[u8], limits: &BundleLimits) -> Result<Vec<u8>, LoadError> {
    bound("bundle", bytes.len() as u64, limits.packed)?;
    let mut decoder = GzDecoder::new(bytes);
    let mut tar = Vec::new();
    (&mut decoder)
        .take(limits.total.saturating_add(1))
        .read_to_end(&mut tar)
        .map_err(|e| LoadError::Gzip(e.to_string()))?;
    bound("content", tar.len() as u64, limits.total)?;
    if !decoder.into_inner().is_empty() {
        return Err(LoadError::TrailingBytes);
    }
    Ok(tar)
}

/// Behind the last entry stand zero blocks only, at least one.
fn end(rest: &[u8]) -> Result<(), LoadError> {
    if rest.iter().any(|&b| b != 0) {
        return Err(LoadError::TrailingBytes);
    }
    Ok(())
}

fn broken(error: io::Error) -> LoadError {
    LoadError::Tar(error.to_string())
}

fn bound(what: &str, given: u64, limit: u64) -> Result<(), LoadError> {
    if given > limit {
        return Err(LoadError::TooLarge { what: what.to_owned(), given, limit });
    }
    Ok(())
}

/// A path without its leading `/` or `./`, if every part of it is a plain name.
fn safe_path(bytes: &[u8]) -> Result<String, LoadError> {
    let unsafe_path = || LoadError::UnsafePath { path: String::from_utf8_lossy(bytes).into_owned() };
    let text = std::str::from_utf8(bytes).map_err(|_| unsafe_path())?;
    let text = text.strip_prefix("./").or_else(|| text.strip_prefix('/')).unwrap_or(text);
    let path = text.strip_suffix('/').unwrap_or(text);
    if path.is_empty() && bytes == b"./" {
        return Ok(String::new());
    }
    if !is_plain(path) {
        return Err(unsafe_path());
    }
    Ok(path.to_owned())
}

/// Names separated by single slashes, none of them `.` or `..`, without control characters or backslashes.
pub(crate) fn is_plain(path: &str) -> bool {
    !path.chars().any(|c| c.is_control() || c == '\\')
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Packs files. Equal files give equal bytes: sorted, no times, no owners, a fixed compression level.
pub(crate) fn write(files: &Files) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        // OPA writes the paths with a leading slash, which the builder's own `append_data` would strip.
        set_path(&mut tar, &mut header, &format!("/{path}"))?;
        header.set_cksum();
        tar.append(&header, content.as_slice())?;
    }
    let mut gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::new(6));
    gzip.write_all(&tar.into_inner()?)?;
    gzip.finish()
}

/// Names longer than a header take a GNU long-name entry before it.
fn set_path(tar: &mut tar::Builder<Vec<u8>>, header: &mut Header, path: &str) -> io::Result<()> {
    let name = &mut header.as_old_mut().name;
    let Some(room) = name.get_mut(..path.len()) else {
        let mut long = Header::new_gnu();
        long.set_entry_type(EntryType::GNULongName);
        if let Some(field) = long.as_old_mut().name.get_mut(..13) {
            field.copy_from_slice(b"././@LongLink");
        }
        long.set_mode(0o644);
        long.set_size(path.len() as u64 + 1);
        long.set_cksum();
        let head: Vec<u8> = path.bytes().take(name.len()).collect();
        name.copy_from_slice(&head);
        return tar.append(&long, path.as_bytes().chain(&[0][..]));
    };
    room.copy_from_slice(path.as_bytes());
    Ok(())
}
