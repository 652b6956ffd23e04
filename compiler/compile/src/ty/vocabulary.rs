//! Vocabularies: fields whose strings are known, such as the names of actions and tools.
//!
//! A comparison with a string that no such field can hold is never true; usually it is a typing error, so the
//! nearest known name is suggested.

use super::body::{Checker, const_key};
use crate::hir::{Const, Ref, RefHead, Term};
use govc_syntax::{Diagnostic, Span};
use govc_value::ty::Key;
use std::collections::BTreeMap;

/// What the strings of a field name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun {
    /// An action of an action file.
    Action,
    /// A tool of a tool file.
    Tool,
    /// A target of an inventory.
    Target,
    /// An agent of an inventory.
    Agent,
    /// A value of a schema's `enum`.
    Value,
}

/// Known strings by field.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    fields: BTreeMap<Vec<String>, (Noun, Vec<String>)>,
    keys: BTreeMap<Vec<String>, (Noun, Vec<String>)>,
}

/// A path: `input` or `data`, then constant steps; `*` stands for any element.
pub(super) type Field = Vec<String>;

impl Vocabulary {
    /// Says which strings a field can hold. The path starts with `input` or `data`; `*` is any element.
    pub fn add(&mut self, path: &[&str], noun: Noun, names: impl IntoIterator<Item = String>) {
        let path = path.iter().map(|s| (*s).to_owned()).collect();
        let entry = self.fields.entry(path).or_insert_with(|| (noun, Vec::new()));
        entry.1.extend(names);
        entry.1.sort();
        entry.1.dedup();
    }

    /// Says which keys an object has. The path is as for [`Vocabulary::add`].
    pub fn add_keys(&mut self, path: &[&str], noun: Noun, names: impl IntoIterator<Item = String>) {
        let path = path.iter().map(|s| (*s).to_owned()).collect();
        let entry = self.keys.entry(path).or_insert_with(|| (noun, Vec::new()));
        entry.1.extend(names);
        entry.1.sort();
        entry.1.dedup();
    }

    fn get(&self, field: &Field) -> Option<&(Noun, Vec<String>)> {
        self.fields.get(field)
    }
}

impl Checker<'_> {
    /// Remembers which field a variable was read from.
    pub(super) fn remember_field(&mut self, a: &Term, b: &Term) {
        let pair = match (a, b) {
            (Term::Var(var), other) | (other, Term::Var(var)) => (*var, self.field(other)),
            _ => return,
        };
        if let (Some(slot @ None), Some(field)) = (self.fields.get_mut(pair.0.0 as usize), pair.1) {
            *slot = Some(field);
        }
    }

    fn field(&self, term: &Term) -> Option<Field> {
        match term {
            Term::Var(var) => self.fields.get(var.0 as usize)?.clone(),
            Term::Ref(reference) => {
                let mut field = match reference.head {
                    RefHead::Input => vec!["input".to_owned()],
                    RefHead::Data => vec!["data".to_owned()],
                    RefHead::Var(var) => self.fields.get(var.0 as usize)?.clone()?,
                };
                for step in &reference.steps {
                    field.push(match const_key(step) {
                        Some(Key::String(text)) => text,
                        _ => "*".to_owned(),
                    });
                }
                Some(field)
            }
            _ => None,
        }
    }

    /// Checks a comparison of a field with a constant, in either order, or with the members of a literal.
    pub(super) fn vocabulary_check(&mut self, a: &Term, b: &Term, span: Span) {
        for (field, other) in [(a, b), (b, a)] {
            let Some(path) = self.field(field) else { continue };
            let annotated = self.documents.annotated.iter().find_map(|a| a.vocabulary.get(&path));
            let Some((noun, known)) = annotated.or(self.options.vocabulary.get(&path)) else { continue };
            let unknown: Vec<String> = strings(other).into_iter().filter(|s| !known.contains(s)).collect();
            for name in unknown {
                self.diagnostics.push(unknown_name(*noun, &name, known, &path, span));
            }
        }
    }
}

impl Checker<'_> {
    /// Checks the constant steps of a reference against the keys that objects are known to have.
    pub(super) fn key_check(&mut self, reference: &Ref) {
        if self.options.vocabulary.keys.is_empty() {
            return;
        }
        let mut path = match reference.head {
            RefHead::Input => vec!["input".to_owned()],
            RefHead::Data => vec!["data".to_owned()],
            RefHead::Var(var) => match self.fields.get(var.0 as usize).cloned().flatten() {
                Some(field) => field,
                None => return,
            },
        };
        for step in &reference.steps {
            let key = match const_key(step) {
                Some(Key::String(text)) => Some(text),
                _ => None,
            };
            let known = self.options.vocabulary.keys.get(&path);
            if let (Some((noun, known)), Some(name)) = (known, &key)
                && !known.contains(name)
            {
                self.diagnostics.push(unknown_name(*noun, name, known, &path, reference.span));
                return;
            }
            path.push(key.unwrap_or_else(|| "*".to_owned()));
        }
    }
}

fn strings(term: &Term) -> Vec<String> {
    match term {
        Term::Const(Const::String(text)) => vec![text.clone()],
        Term::Set(items) | Term::Array(items) => items.iter().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

fn unknown_name(noun: Noun, name: &str, known: &[String], field: &[String], span: Span) -> Diagnostic {
    let field = field.join(".");
    let (code, message) = match noun {
        Noun::Action => ("govc_unknown_action", format!("unknown action `{name}`")),
        Noun::Tool => ("govc_unknown_tool", format!("unknown tool `{name}`")),
        Noun::Target => ("govc_unknown_target", format!("unknown target `{name}`")),
        Noun::Agent => ("govc_unknown_agent", format!("unknown agent `{name}`")),
        Noun::Value => ("govc_impossible_comparison", format!("`{field}` is never `{name}`")),
    };
    let message = match nearest(name, known) {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => format!("{message}; `{field}` is one of: {}", shown(known)),
    };
    Diagnostic::error(code, "rego_type_error", span, message)
}

fn shown(known: &[String]) -> String {
    const MOST: usize = 8;
    let names: Vec<String> = known.iter().take(MOST).map(|n| format!("`{n}`")).collect();
    let more = if known.len() > MOST { ", ..." } else { "" };
    format!("{}{more}", names.join(", "))
}

/// The known name that is nearest to a wrong one, if it is near enough to be meant.
pub(super) fn nearest<'k>(name: &str, known: &'k [String]) -> Option<&'k String> {
    let limit = (name.chars().count() / 3).max(1);
    let distances = known.iter().map(|k| (distance(name, k), k));
    distances.filter(|(d, _)| *d <= limit).min_by_key(|(d, k)| (*d, k.len())).map(|(_, k)| k)
}

/// Damerau-Levenshtein distance in its restricted form (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_near() {
        let known: Vec<String> = ["delete-pod", "drain-node", "read"].map(String::from).to_vec();
        assert_eq!(nearest("delete_pod", &known).map(String::as_str), Some("delete-pod"));
        assert_eq!(nearest("raed", &known).map(String::as_str), Some("read"));
        assert_eq!(nearest("launch", &known), None);
    }
}
