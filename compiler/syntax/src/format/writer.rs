//! The page: lines, indentation, and the comments that wait for their row.

use crate::opa::{self, Expr, Import, Loc, Module, Rule, Term};

/// Why a term could not be laid out; its text is printed as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stop;

pub(super) type Written = Result<(), Stop>;

/// How rules are written.
#[derive(Clone, Debug, Default)]
pub(super) struct Style {
    pub(super) v1: bool,
    pub(super) contains: bool,
    pub(super) ifs: bool,
    /// Some head has a path, so all are written with dots.
    pub(super) ref_heads: bool,
    /// Imported future keywords.
    pub(super) keywords: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Comment {
    pub(super) row: u32,
    col: u32,
    /// With `#`.
    pub(super) text: String,
}

impl Comment {
    fn is_metadata(&self) -> bool {
        self.col == 1 && self.text[1..].trim().starts_with("METADATA")
    }
}

/// What is restored when a term is printed as it stands.
#[derive(Clone, Copy)]
pub(super) struct Saved {
    len: usize,
    level: usize,
    next: usize,
}

pub(super) struct Writer<'t> {
    pub(super) text: &'t str,
    pub(super) style: Style,
    out: String,
    level: usize,
    pub(super) inline: bool,
    before_end: Option<Comment>,
    delay: bool,
    comments: Vec<Comment>,
    next: usize,
    /// A comment on the last row of a text that is printed as it stands belongs to it.
    pub(super) comment_on_final_line: bool,
    /// The expression whose terms get parentheses.
    pub(super) paren_expr: Option<*const Expr>,
    /// The term that gets parentheses.
    pub(super) paren_term: Option<*const Term>,
}

impl<'t> Writer<'t> {
    pub(super) fn new(text: &'t str, style: Style, comments: Vec<opa::Comment>) -> Self {
        let comment = |c: opa::Comment| Comment {
            row: c.row,
            col: c.col,
            text: format!("#{}", c.text).trim_end().to_owned(),
        };
        Self {
            text,
            style,
            out: String::with_capacity(text.len() + text.len() / 8),
            level: 0,
            inline: false,
            before_end: None,
            delay: false,
            comments: comments.into_iter().map(comment).collect(),
            next: 0,
            comment_on_final_line: false,
            paren_expr: None,
            paren_term: None,
        }
    }

    pub(super) fn finish(mut self) -> String {
        if self.out.ends_with('\n') {
            let len = self.out.trim_end_matches('\n').len();
            self.out.truncate(len);
            self.out.push('\n');
        }
        self.out
    }

    pub(super) fn module(&mut self, module: &Module) -> Result<(), String> {
        let package = module.package.as_ref().ok_or("package expected")?;
        let (added, written) = self.split_added(module);
        self.package(package);
        self.imports(&added);
        let mut parts = parts(&written, &module.rules);
        parts.sort_by_key(|p| p.place());
        let mut rest = &parts[..];
        while !rest.is_empty() {
            let imports: Vec<&Import> = rest.iter().map_while(Statement::import).collect();
            rest = &rest[imports.len()..];
            self.imports(&imports);
            let rules: Vec<&Rule> = rest.iter().map_while(Statement::rule).collect();
            rest = &rest[rules.len()..];
            self.rules(&rules);
        }
        self.remaining_comments();
        Ok(())
    }

    /// Imports that the formatter adds come first if a rule would come before them.
    fn split_added<'m>(&self, module: &'m Module) -> (Vec<&'m Import>, Vec<&'m Import>) {
        let first_rule = module.rules.iter().map(|r| r.loc.row).min();
        let late = |i: &Import| i.added && first_rule.is_some_and(|row| i.loc.row >= row);
        if module.imports.iter().any(late) {
            module.imports.iter().partition(|i| i.added)
        } else {
            (Vec::new(), module.imports.iter().collect())
        }
    }

    fn package(&mut self, package: &opa::Package) {
        let _ = self.insert_comments(i64::from(package.loc.row));
        self.start_line();
        self.write("package ");
        let mut path = package.path.clone();
        if let Some(first) = path.first_mut()
            && let opa::Value::String { value, .. } = &first.value
        {
            first.value = opa::Value::Var(value.clone());
        }
        let _ = self.reference(&path);
        self.blank_line();
    }

    fn remaining_comments(&mut self) {
        let rest: Vec<Comment> = self.comments.drain(self.next..).collect();
        for comment in &rest {
            self.write_line(&comment.text);
        }
        if !rest.is_empty() {
            self.write("\n");
        }
    }

    // --- comments ---

    pub(super) fn next_comment(&self) -> Option<&Comment> {
        self.comments.get(self.next)
    }

    pub(super) fn waiting_comments(&self) -> &[Comment] {
        &self.comments[self.next..]
    }

    pub(super) fn has_line_comment(&self) -> bool {
        self.before_end.is_some()
    }

    /// Takes the comments of some rows out of the queue.
    pub(super) fn take_comments(&mut self, wanted: impl Fn(u32) -> bool) -> Vec<(u32, Comment)> {
        let rest = self.comments.split_off(self.next);
        let (taken, left): (Vec<Comment>, Vec<Comment>) = rest.into_iter().partition(|c| wanted(c.row));
        self.comments.extend(left);
        taken.into_iter().map(|c| (c.row, c)).collect()
    }

    /// The comments before a row, out of the queue.
    pub(super) fn comments_before(&mut self, row: i64) -> Vec<Comment> {
        let from = self.next;
        while self.comments.get(self.next).is_some_and(|c| i64::from(c.row) < row) {
            self.next += 1;
        }
        self.comments[from..self.next].to_vec()
    }

    /// Writes the comments above a row and keeps the one beside it for the line's end.
    pub(super) fn insert_comments(&mut self, row: i64) -> Written {
        let before = self.comments_before(row);
        let mut beside = None;
        while let Some(comment) = self.comments.get(self.next).filter(|c| i64::from(c.row) == row) {
            beside = Some(comment.clone());
            self.next += 1;
        }
        self.write_comments(&before);
        if before.last().is_some_and(|last| row - i64::from(last.row) > 1) {
            self.blank_line();
        }
        self.at_line_end(beside)
    }

    fn at_line_end(&mut self, comment: Option<Comment>) -> Written {
        match (&self.before_end, comment) {
            (Some(_), Some(_)) => {
                self.before_end = None;
                Err(Stop)
            }
            (Some(_), None) => Ok(()),
            (None, comment) => {
                self.before_end = comment;
                Ok(())
            }
        }
    }

    pub(super) fn write_comments(&mut self, comments: &[Comment]) {
        let mut in_metadata = false;
        for (i, comment) in comments.iter().enumerate() {
            if let Some(previous) = i.checked_sub(1).and_then(|p| comments.get(p)) {
                let gap = comment.row.saturating_sub(previous.row);
                if gap > 1 {
                    self.blank_line();
                    in_metadata = false;
                } else if gap == 1 && in_metadata && comment.is_metadata() {
                    self.blank_line();
                }
            }
            in_metadata |= comment.is_metadata();
            self.write_line(&comment.text);
        }
    }

    // --- terms as they stand ---

    pub(super) fn save(&self) -> Option<Saved> {
        (self.next < self.comments.len()).then_some(Saved {
            len: self.out.len(),
            level: self.level,
            next: self.next,
        })
    }

    /// Takes back what was written since, and prints a text as it stands.
    pub(super) fn print_as_written(&mut self, saved: Saved, loc: Loc) {
        self.out.truncate(saved.len);
        self.level = saved.level;
        let last = loc.row + self.newlines(loc);
        if self.before_end.as_ref().is_some_and(|c| (loc.row..=last).contains(&c.row)) {
            self.before_end = None;
        }
        self.next = saved.next;
        self.unformatted(loc);
    }

    /// Prints a text as it stands; the comments inside it are part of it.
    pub(super) fn unformatted(&mut self, loc: Loc) {
        let text = self.slice(loc);
        let last = loc.row + self.newlines(loc);
        self.write(text);
        while let Some(comment) = self.comments.get(self.next) {
            if comment.row == last && self.comment_on_final_line {
                let text = format!(" {}", comment.text);
                self.write(&text);
            } else if comment.row >= last {
                break;
            }
            self.next += 1;
        }
    }

    pub(super) fn slice(&self, loc: Loc) -> &'t str {
        self.text.get(loc.start as usize..loc.end as usize).unwrap_or_default()
    }

    /// Line ends in the text of a place.
    pub(super) fn newlines(&self, loc: Loc) -> u32 {
        self.slice(loc).bytes().filter(|&b| b == b'\n').count() as u32
    }

    // --- lines ---

    pub(super) fn write(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub(super) fn start_line(&mut self) {
        self.inline = true;
        for _ in 0..self.level {
            self.out.push('\t');
        }
    }

    pub(super) fn end_line(&mut self) {
        self.inline = false;
        if !self.delay
            && let Some(comment) = self.before_end.take()
        {
            self.out.push(' ');
            self.out.push_str(&comment.text);
        }
        self.delay = false;
        self.out.push('\n');
    }

    pub(super) fn blank_line(&mut self) {
        if self.inline {
            self.end_line();
        }
        self.out.push('\n');
    }

    fn write_line(&mut self, text: &str) {
        if !self.inline {
            self.start_line();
        }
        self.write(text);
        self.end_line();
    }

    pub(super) fn delay_comment(&mut self) {
        self.delay = true;
    }

    pub(super) fn up(&mut self) {
        self.level += 1;
    }

    pub(super) fn down(&mut self) {
        self.level = self.level.saturating_sub(1);
    }
}

/// What stands at the top of a module.
enum Statement<'m> {
    Import(&'m Import),
    Rule(&'m Rule),
}

impl<'m> Statement<'m> {
    fn place(&self) -> (u32, u32) {
        match self {
            Self::Import(i) => (i.loc.row, i.loc.col),
            Self::Rule(r) => (r.loc.row, r.loc.col),
        }
    }

    fn import(&self) -> Option<&'m Import> {
        match self {
            Self::Import(i) => Some(i),
            Self::Rule(_) => None,
        }
    }

    fn rule(&self) -> Option<&'m Rule> {
        match self {
            Self::Rule(r) => Some(r),
            Self::Import(_) => None,
        }
    }
}

fn parts<'m>(imports: &[&'m Import], rules: &'m [Rule]) -> Vec<Statement<'m>> {
    let imports = imports.iter().map(|i| Statement::Import(i));
    imports.chain(rules.iter().map(Statement::Rule)).collect()
}

/// The row of the bracket that closes the first `open` in a text, or -1.
pub(super) fn closing_row(text: &str, row: u32, skip: Option<(u8, u8)>, open: u8, close: u8) -> i64 {
    let bytes = text.as_bytes();
    let (mut i, mut rows) = skip.map_or((0, 0), |(open, close)| skip_past(bytes, open, close));
    while i < bytes.len() && bytes[i] != open {
        i += 1;
    }
    let mut depth = 1;
    while depth > 0 {
        i += 1;
        match bytes.get(i) {
            None => return -1,
            Some(&b) if b == open => depth += 1,
            Some(&b) if b == close => depth -= 1,
            Some(b'\n') => rows += 1,
            Some(_) => {}
        }
    }
    i64::from(row) + rows
}

/// The index of the bracket that closes the first `open`, and the line ends up to it.
fn skip_past(bytes: &[u8], open: u8, close: u8) -> (usize, i64) {
    let mut i = bytes.iter().position(|&b| b == open).unwrap_or(bytes.len());
    let (mut depth, mut rows) = (1, 0);
    while depth > 0 {
        i += 1;
        match bytes.get(i) {
            None => return (i, rows),
            Some(&b) if b == open => depth += 1,
            Some(&b) if b == close => depth -= 1,
            Some(b'\n') => rows += 1,
            Some(_) => {}
        }
    }
    (i, rows)
}
