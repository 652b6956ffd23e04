//! Sources: the texts of one compilation, and places in them.

/// A source of a [`Sources`], by position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A half-open range of bytes in one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

impl Span {
    /// The smallest span that covers both, which must lie in one file.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// One source text with its name as the user wrote it and a table of its lines.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path as shown in diagnostics and as OPA prints it in `location.file`.
    pub name: String,
    /// The text.
    pub text: String,
    lines: Vec<u32>,
}

/// All texts of one compilation.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// Adds a text and returns its id. Texts of 4 GiB and more must be refused by the caller.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let mut lines = vec![0];
        lines.extend(text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(i, _)| i as u32 + 1));
        self.files.push(Source { name: name.into(), text, lines });
        FileId(self.files.len() as u32 - 1)
    }

    /// The source of an id that this table gave out.
    pub fn get(&self, file: FileId) -> &Source {
        &self.files[file.0 as usize]
    }

    /// All sources with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.files.iter().enumerate().map(|(i, s)| (FileId(i as u32), s))
    }

    /// The text that a span covers.
    pub fn slice(&self, span: Span) -> &str {
        &self.get(span.file).text[span.start as usize..span.end as usize]
    }

    /// Row and column of the first byte of a span, both from 1. Columns count characters, as OPA's do.
    pub fn position(&self, span: Span) -> (usize, usize) {
        self.get(span.file).position(span.start)
    }
}

impl Source {
    /// Row and column of a byte, both from 1. Columns count characters, as OPA's do.
    pub fn position(&self, offset: u32) -> (usize, usize) {
        let row = self.lines.partition_point(|&start| start <= offset);
        let line = self.text.as_bytes().get(self.lines[row - 1] as usize..offset as usize);
        (row, characters(line.unwrap_or_default()) + 1)
    }

    /// Byte offsets of the starts of all lines.
    pub fn line_starts(&self) -> &[u32] {
        &self.lines
    }
}

/// The characters that begin in a piece of UTF-8.
pub(crate) fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&b| b & 0xc0 != 0x80).count()
}
