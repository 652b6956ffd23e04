//! Which imports a formatted module has, and how they are grouped and sorted.

use crate::opa::visit::{self, Node};
use crate::opa::{Expr, Import, Loc, Module, Term, Terms, Value, operator};

use super::writer::{Comment, Writer};
use super::{FormatOptions, FormatTarget};

/// The words of an import's path.
pub(super) fn names(import: &Import) -> Vec<&str> {
    import
        .path
        .iter()
        .map(|t| match &t.value {
            Value::Var(name) => name.as_str(),
            Value::String { value, .. } => value.as_str(),
            _ => "",
        })
        .collect()
}

fn is_rego_v1(import: &Import) -> bool {
    names(import) == ["rego", "v1"]
}

fn is_future(import: &Import) -> bool {
    names(import).get(..2) == Some(&["future", "keywords"])
}

/// Adds and removes imports as the target asks.
pub(super) fn settle(module: &mut Module, options: FormatOptions) {
    match options.target {
        FormatTarget::V1 if options.drop_v0_imports => module.imports.retain(|i| !is_rego_v1(i)),
        FormatTarget::V0ToV1 => ensure(module, &["rego", "v1"], is_rego_v1),
        _ => {}
    }
    let v1_imported = module.imports.iter().any(is_rego_v1);
    if options.target == FormatTarget::V0 && !v1_imported {
        for word in words(module) {
            ensure(module, &["future", "keywords", word], |i| imports_word(i, word));
        }
        return;
    }
    if options.drop_v0_imports || v1_imported {
        module.imports.retain(|i| !is_future(i));
        for word in words(module).into_iter().filter(|w| matches!(*w, "and" | "not" | "or")) {
            ensure(module, &["future", "keywords", word], |i| imports_word(i, word));
        }
    }
}

fn ensure(module: &mut Module, path: &[&str], has: impl Fn(&Import) -> bool) {
    if module.imports.iter().any(has) {
        return;
    }
    let keywords = module.imports.iter().filter(|i| is_future(i) || is_rego_v1(i)).map(|i| i.loc.row).max();
    let row = keywords.map_or(1, |row| row + 1);
    let loc = Loc { row, col: 1, generated: true, ..Loc::default() };
    let term = |(i, name): (usize, &&str)| {
        let name = (*name).to_owned();
        let value = if i == 0 { Value::Var(name) } else { Value::String { value: name, raw: false } };
        Term { value, loc }
    };
    let path = path.iter().enumerate().map(term).collect();
    module.imports.push(Import { path, alias: None, loc, added: true });
}

fn imports_word(import: &Import, word: &str) -> bool {
    let names = names(import);
    let every = word == "in" && names == ["future", "keywords", "every"];
    names == ["future", "keywords"] || names == ["future", "keywords", word] || every
}

/// Which keywords with an import of their own the rules use.
fn words(module: &Module) -> Vec<&'static str> {
    let mut words = Vec::new();
    visit::rules(module, &mut |node| match node {
        Node::Expr(expr) => words.extend(word(expr)),
        Node::Term(_) => {}
    });
    words.sort_unstable();
    words.dedup();
    words
}

fn word(expr: &Expr) -> Option<&'static str> {
    match &expr.terms {
        Terms::Call(call) => operator(call).starts_with("internal.member_").then_some("in"),
        Terms::Every { .. } => Some("every"),
        Terms::Not { .. } => Some("not"),
        Terms::Logical { op, .. } => Some(op),
        _ => None,
    }
}

impl Writer<'_> {
    /// Writes a run of imports, a group for each run of rows.
    pub(super) fn imports(&mut self, imports: &[&Import]) {
        let beside = self.comments_beside(imports);
        for group in groups(imports) {
            let Some(&first) = group.first() else { continue };
            let _ = self.insert_comments(i64::from(first.loc.row));
            let mut sorted = group.clone();
            sorted.sort_by(|a, b| order(a).cmp(&order(b)));
            for import in sorted {
                self.start_line();
                self.import(import);
                let comment = beside.iter().find(|(row, _)| *row == import.loc.row);
                if let Some((_, comment)) = comment {
                    self.write(" ");
                    self.write(&comment.text);
                }
                self.end_line();
            }
            self.blank_line();
        }
    }

    fn comments_beside(&mut self, imports: &[&Import]) -> Vec<(u32, Comment)> {
        let rows: Vec<u32> = imports.iter().map(|i| i.loc.row).collect();
        self.take_comments(|row| rows.contains(&row))
    }

    fn import(&mut self, import: &Import) {
        self.write("import ");
        if is_future(import) {
            let path = names(import).join(".");
            self.write(&path);
        } else {
            let _ = self.reference(&import.path);
        }
        if let Some(alias) = &import.alias {
            self.write(" as ");
            self.write(alias);
        }
    }
}

fn order(import: &Import) -> (Vec<(u8, &str)>, &str) {
    // OPA orders references by their terms; a name comes before or after a string by kind.
    let path = import
        .path
        .iter()
        .map(|t| match &t.value {
            Value::Var(name) => (0, name.as_str()),
            Value::String { value, .. } => (1, value.as_str()),
            _ => (2, ""),
        })
        .collect();
    (path, import.alias.as_deref().unwrap_or(""))
}

fn groups<'i>(imports: &[&'i Import]) -> Vec<Vec<&'i Import>> {
    let mut groups: Vec<Vec<&Import>> = Vec::new();
    for &import in imports {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|l| import.loc.row <= l.loc.row + 1) => {
                group.push(import)
            }
            _ => groups.push(vec![import]),
        }
    }
    groups
}
