//! Which imports a formatted module has, and how they are grouped and sorted.

use crate::opa::{Expr, Import, Loc, Module, Operand, Rule, Term, Terms, Value};

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
        return;
    }
    if options.drop_v0_imports || v1_imported {
        module.imports.retain(|i| !is_future(i));
        for word in logical_words(module) {
            ensure(module, &["future", "keywords", word], |i| {
                let names = names(i);
                names == ["future", "keywords"] || names == ["future", "keywords", word]
            });
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

/// Which of `and`, `not` and `or` the rules use.
fn logical_words(module: &Module) -> Vec<&'static str> {
    let mut words = Vec::new();
    for rule in &module.rules {
        rule_words(rule, &mut words);
    }
    words.sort_unstable();
    words.dedup();
    words
}

fn rule_words(rule: &Rule, words: &mut Vec<&'static str>) {
    body_words(&rule.body, words);
    let head = &rule.head;
    head.reference.iter().chain(head.args.iter().flatten()).chain(&head.key).chain(&head.value).for_each(|t| term_words(t, words));
    if let Some(otherwise) = &rule.otherwise {
        rule_words(otherwise, words);
    }
}

fn body_words(body: &[Expr], words: &mut Vec<&'static str>) {
    for expr in body {
        expr.with.iter().for_each(|w| term_words(&w.value, words));
        match &expr.terms {
            Terms::Term(term) => term_words(term, words),
            Terms::Call(terms) | Terms::Some(terms) => terms.iter().for_each(|t| term_words(t, words)),
            Terms::Every { domain, body, .. } => {
                term_words(domain, words);
                body_words(body, words);
            }
            Terms::Not { body, .. } => {
                words.push("not");
                body_words(body, words);
            }
            Terms::Logical { op, lhs, rhs } => {
                words.push(op);
                operand_words(lhs, words);
                operand_words(rhs, words);
            }
        }
    }
}

fn operand_words(operand: &Operand, words: &mut Vec<&'static str>) {
    body_words(&operand.body, words);
}

fn term_words(term: &Term, words: &mut Vec<&'static str>) {
    use crate::opa::Part;
    match &term.value {
        Value::Ref(items) | Value::Call(items) | Value::Array(items) | Value::Set(items) => {
            items.iter().for_each(|t| term_words(t, words));
        }
        Value::Object(members) => members.iter().for_each(|(k, v)| {
            term_words(k, words);
            term_words(v, words);
        }),
        Value::ArrayComprehension(t, body) | Value::SetComprehension(t, body) => {
            term_words(t, words);
            body_words(body, words);
        }
        Value::ObjectComprehension(k, v, body) => {
            term_words(k, words);
            term_words(v, words);
            body_words(body, words);
        }
        Value::Template { parts, .. } => parts.iter().for_each(|p| {
            if let Part::Expr(expr) = p {
                body_words(std::slice::from_ref(expr), words);
            }
        }),
        _ => {}
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
                if let Some((_, comment)) = comment.filter(|_| !import.added) {
                    self.write(" ");
                    self.write(&comment.text);
                }
                self.end_line();
            }
            self.blank_line();
        }
    }

    fn comments_beside(&mut self, imports: &[&Import]) -> Vec<(u32, Comment)> {
        let rows: Vec<u32> = imports.iter().filter(|i| !i.added).map(|i| i.loc.row).collect();
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
            Some(group) if group.last().is_some_and(|l| import.loc.row <= l.loc.row + 1) => group.push(import),
            _ => groups.push(vec![import]),
        }
    }
    groups
}
