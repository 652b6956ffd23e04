//! A document as the editor sees it: text, version, and positions in the units that were agreed on.
//!
//! The surprising fact: LSP counts columns in UTF-16 code units unless both sides agree on UTF-8, so every
//! position crosses this room before it becomes a byte offset.

/// The unit of columns, agreed on at `initialize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units; what a client speaks that offers nothing.
    #[default]
    Utf16,
}

/// A line and column, both from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Line, from 0.
    pub line: u32,
    /// Column in the units of the [`Encoding`], from 0.
    pub column: u32,
}

/// A change of a document.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The part that is replaced; absent means all.
    pub range: Option<(Point, Point)>,
    /// What stands there afterwards.
    pub text: String,
}

/// A text with its line table.
#[derive(Clone, Debug, Default)]
pub struct Document {
    text: String,
    lines: Vec<usize>,
}

impl Document {
    /// A document of a text.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let lines = line_starts(&text);
        Self { text, lines }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Applies an edit. Positions beyond a line or the text mean its end, as the protocol asks.
    pub fn apply(&mut self, edit: &Edit, encoding: Encoding) {
        match edit.range {
            None => self.text.clone_from(&edit.text),
            Some((from, to)) => {
                let (start, end) = (self.offset(from, encoding), self.offset(to, encoding));
                self.text.replace_range(start.min(end)..end.max(start), &edit.text);
            }
        }
        self.lines = line_starts(&self.text);
    }

    /// The byte offset of a position; always on a character boundary.
    pub fn offset(&self, point: Point, encoding: Encoding) -> usize {
        let Some(&start) = self.lines.get(point.line as usize) else { return self.text.len() };
        let end = self.lines.get(point.line as usize + 1).copied().unwrap_or(self.text.len());
        let line = self.text[start..end].trim_end_matches(['\n', '\r']);
        let mut units = 0;
        for (at, c) in line.char_indices() {
            if units >= point.column as usize {
                return start + at;
            }
            units += width(c, encoding);
        }
        start + line.len()
    }

    /// The position of a byte offset, which is clamped to the text and to a character boundary.
    pub fn point(&self, offset: usize, encoding: Encoding) -> Point {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|&start| start <= offset) - 1;
        let column: usize = self.text[self.lines[line]..offset].chars().map(|c| width(c, encoding)).sum();
        Point { line: line as u32, column: column as u32 }
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0)
        .chain(text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(i, _)| i + 1))
        .collect()
}

fn width(c: char, encoding: Encoding) -> usize {
    match encoding {
        Encoding::Utf8 => c.len_utf8(),
        Encoding::Utf16 => c.len_utf16(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Point {
        Point { line, column }
    }

    #[test]
    fn columns_count_utf16_units() {
        let document = Document::new("a😀b\nc\r\n");
        assert_eq!(document.offset(at(0, 3), Encoding::Utf16), 5);
        assert_eq!(document.offset(at(0, 5), Encoding::Utf8), 5);
        assert_eq!(document.point(5, Encoding::Utf16), at(0, 3));
        assert_eq!(document.offset(at(1, 9), Encoding::Utf16), 8, "the line end is before its terminator");
        assert_eq!(document.offset(at(9, 0), Encoding::Utf16), 10);
    }

    #[test]
    fn edits_replace_ranges_and_whole_texts() {
        let mut document = Document::new("one\ntwo\nthree");
        document.apply(&Edit { range: Some((at(1, 0), at(2, 2))), text: "TH".into() }, Encoding::Utf16);
        assert_eq!(document.text(), "one\nTHree");
        document.apply(&Edit { range: None, text: "x".into() }, Encoding::Utf16);
        assert_eq!(document.text(), "x");
    }

    #[test]
    fn every_offset_survives_the_round_trip() {
        let document = Document::new("ä\n😀x\n\nend");
        for (offset, _) in document.text().char_indices() {
            for encoding in [Encoding::Utf8, Encoding::Utf16] {
                assert_eq!(document.offset(document.point(offset, encoding), encoding), offset);
            }
        }
    }
}
