//! The names of one compilation. A rewrite never edits a text: it makes a new name that remembers the old
//! one, so that messages can always show what the author wrote.

use crate::lower::tree::Term;
use govc_syntax::Span;
use rustc_hash::{FxHashMap, FxHashSet};

/// What generated names begin with.
const PREFIX: &str = "__local";

/// A variable before variables are numbered per rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(pub(crate) u32);

impl Name {
    /// `input`.
    pub(crate) const INPUT: Name = Name(0);
    /// `data`.
    pub(crate) const DATA: Name = Name(1);

    /// `input` or `data`.
    pub(crate) fn is_root(self) -> bool {
        self.0 < 2
    }
}

/// A set of names.
pub(crate) type NameSet = FxHashSet<Name>;

/// Where a name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameKind {
    /// The author wrote it.
    Written,
    /// One occurrence of `_`.
    Wildcard,
    /// A rewrite made it.
    Generated,
}

#[derive(Clone, Debug)]
struct Entry {
    text: String,
    kind: NameKind,
    original: Option<Name>,
    subject: Option<Term>,
    span: Span,
}

/// All names of one compilation.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    entries: Vec<Entry>,
    written: FxHashMap<String, Name>,
    suffix: &'static str,
    next: u32,
}

impl Names {
    /// The two roots alone.
    pub(crate) fn new() -> Self {
        let mut names = Self { entries: Vec::new(), written: FxHashMap::default(), suffix: "", next: 0 };
        names.written("input", Span::default());
        names.written("data", Span::default());
        names
    }

    /// The name that the author writes so.
    pub(crate) fn written(&mut self, text: &str, span: Span) -> Name {
        if let Some(&name) = self.written.get(text) {
            return name;
        }
        // Whoever writes names like ours gets what they mean to OPA: generated variables.
        let kind = if text.starts_with(PREFIX) { NameKind::Generated } else { NameKind::Written };
        let name = self.push(text.to_owned(), kind, None, span);
        self.written.insert(text.to_owned(), name);
        name
    }

    /// The name that the author writes so, if it occurs.
    pub(crate) fn find(&self, text: &str) -> Option<Name> {
        self.written.get(text).copied()
    }

    /// A new name for one occurrence of `_`.
    pub(crate) fn wildcard(&mut self, span: Span) -> Name {
        self.push("_".to_owned(), NameKind::Wildcard, None, span)
    }

    /// A new name that stands for nothing the author named.
    pub(crate) fn fresh(&mut self, span: Span) -> Name {
        self.generate(None, span)
    }

    /// A new name for the author's `original`, local to where it was declared.
    pub(crate) fn local(&mut self, original: Name, span: Span) -> Name {
        self.generate(Some(original), span)
    }

    fn generate(&mut self, original: Option<Name>, span: Span) -> Name {
        let text = self.free_text();
        self.push(text, NameKind::Generated, original, span)
    }

    fn free_text(&mut self) -> String {
        loop {
            let text = format!("{PREFIX}{}{}__", self.suffix, self.next);
            self.next += 1;
            if !self.written.contains_key(&text) {
                return text;
            }
        }
    }

    /// The names of a query beside those of its modules.
    pub(crate) fn for_query(&self) -> Self {
        Self { suffix: "q", next: 0, ..self.clone() }
    }

    fn push(&mut self, text: String, kind: NameKind, original: Option<Name>, span: Span) -> Name {
        self.entries.push(Entry { text, kind, original, subject: None, span });
        Name(self.entries.len() as u32 - 1)
    }

    /// The generated name of a text. Looks at all names: for messages only.
    pub(crate) fn generated(&self, text: &str) -> Option<Name> {
        self.entries.iter().position(|e| e.text == text).map(|i| Name(i as u32))
    }

    fn entry(&self, name: Name) -> &Entry {
        &self.entries[name.0 as usize]
    }

    /// What the author wrote for it; itself where a rewrite made it.
    pub(crate) fn original(&self, name: Name) -> Name {
        self.entry(name).original.map_or(name, |n| self.original(n))
    }

    /// The text to show.
    pub(crate) fn text(&self, name: Name) -> &str {
        &self.entry(self.original(name)).text
    }

    /// The text of the name itself, generated or not.
    pub(crate) fn raw(&self, name: Name) -> &str {
        &self.entry(name).text
    }

    /// Where it first occurs.
    pub(crate) fn span(&self, name: Name) -> Span {
        self.entry(name).span
    }

    /// A rewrite made it and it stands for nothing the author named.
    pub(crate) fn is_generated(&self, name: Name) -> bool {
        self.entry(self.original(name)).kind == NameKind::Generated
    }

    /// It was made by a rewrite, whether or not it stands for a name of the author's.
    pub(crate) fn is_rewritten(&self, name: Name) -> bool {
        self.entry(name).kind == NameKind::Generated
    }

    /// The names that stand for others.
    pub(crate) fn rewritten(&self) -> impl Iterator<Item = Name> {
        let names = self.entries.iter().enumerate().filter(|(_, e)| e.original.is_some());
        names.map(|(i, _)| Name(i as u32))
    }

    /// It is an occurrence of `_`.
    pub(crate) fn is_wildcard(&self, name: Name) -> bool {
        self.entry(self.original(name)).kind == NameKind::Wildcard
    }

    /// Remembers the term that a generated name stands for, for messages.
    pub(crate) fn set_subject(&mut self, name: Name, term: Term) {
        self.entries[name.0 as usize].subject = Some(term);
    }

    /// The term that a generated name stands for.
    pub(crate) fn subject(&self, name: Name) -> Option<&Term> {
        self.entry(name).subject.as_ref()
    }
}
