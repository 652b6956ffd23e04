//! Residual queries and support rules as Rego text that can be parsed again.
//!
//! The surprising fact: a wildcard that has come to stand in several places must not be written `_`, so it
//! gets a name.

use crate::partial::support::{SupportModule, SupportRule};
use crate::term::*;
use crate::text;
use crate::visit::{self, Shown};
use govc_compile::rewritten::ComprehensionKind;
use govc_syntax::lex::is_identifier;
use govc_value::{View, text::write_quoted};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Names of variables that no author could have written.
#[derive(Default)]
struct Names {
    /// How often each occurs.
    counts: BTreeMap<String, usize>,
}

impl Names {
    fn of<'q>(body: &[Rc<Expr<'q>>], head: &[&Term<'q>]) -> Self {
        let mut names = Self::default();
        let mut count = |shown: Shown<'_, 'q>| {
            if let Shown::Term(Term { node: Node::Var(name), .. }) = shown
                && name.starts_with('$')
            {
                *names.counts.entry(name.to_string()).or_default() += 1;
            }
            false
        };
        body.iter().for_each(|e| visit::expr(e, &mut count));
        head.iter().for_each(|t| visit::term(t, &mut count));
        names
    }

    fn var(&self, name: &str) -> String {
        match name.strip_prefix('$') {
            None => name.to_owned(),
            Some(_) if self.counts.get(name).is_none_or(|n| *n < 2) => "_".to_owned(),
            Some(rest) => format!("__wildcard{}__", rest.replace(|c: char| !c.is_ascii_alphanumeric(), "_")),
        }
    }
}

struct Writer<'n> {
    names: &'n Names,
}

impl Writer<'_> {
    fn list(&self, items: &[Term<'_>]) -> String {
        items.iter().map(|t| self.term(t, true)).collect::<Vec<_>>().join(", ")
    }

    /// A term; where it stands inside another, operators are put in parentheses.
    fn term(&self, t: &Term<'_>, inside: bool) -> String {
        match &t.node {
            Node::Value(v) => match v.view() {
                View::Undefined => "null".to_owned(),
                _ => govc_value::text::to_rego(*v),
            },
            Node::Var(name) => self.names.var(name),
            Node::Builtin(name) => name.to_string(),
            Node::Ref(parts) => self.reference(parts),
            Node::Array(items) => format!("[{}]", self.list(items)),
            Node::Set(items) => format!("{{{}}}", self.list(items)),
            Node::Object(pairs) => {
                let pair =
                    |(k, v): &(Term<'_>, Term<'_>)| format!("{}: {}", self.term(k, true), self.term(v, true));
                format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(", "))
            }
            Node::Call(callee, args) => match self.infix(callee, args) {
                Some(text) if inside => format!("({text})"),
                Some(text) => text,
                None => self.call(callee, args),
            },
            Node::Comprehension(c) => self.comprehension(c),
        }
    }

    fn reference(&self, parts: &[Term<'_>]) -> String {
        let Some((head, steps)) = parts.split_first() else { return String::new() };
        let mut out = self.term(head, true);
        for part in steps {
            match part.as_value().and_then(|v| v.as_str()) {
                Some(name) if is_identifier(name) && !text::is_keyword(name) => {
                    out.push('.');
                    out.push_str(name);
                }
                Some(name) => {
                    out.push('[');
                    write_quoted(name, &mut out);
                    out.push(']');
                }
                None => out.push_str(&format!("[{}]", self.term(part, false))),
            }
        }
        out
    }

    fn call(&self, callee: &Callee<'_>, args: &[Term<'_>]) -> String {
        let args: Vec<String> = args.iter().map(|t| self.term(t, false)).collect();
        format!("{}({})", callee.text(), args.join(", "))
    }

    /// A call of an operator; with an output, the equality of both.
    fn infix(&self, callee: &Callee<'_>, args: &[Term<'_>]) -> Option<String> {
        let Callee::Builtin(name) = callee else { return None };
        if &**name == "internal.member_3" && args.len() == 3 {
            let [key, value, of] = [0, 1, 2].map(|i| self.term(&args[i], true));
            return Some(format!("{key}, {value} in {of}"));
        }
        let infix = match &**name {
            "internal.member_2" => "in",
            _ => govc_stdlib::lookup(name)?.infix?,
        };
        match args {
            [a, b] => Some(format!("{} {infix} {}", self.term(a, true), self.term(b, true))),
            _ => None,
        }
    }

    fn comprehension(&self, c: &Comprehension<'_>) -> String {
        let (value, body) = (self.term(&c.term, true), self.body(&c.body));
        match (c.kind, &c.key) {
            (ComprehensionKind::Array, _) => format!("[{value} | {body}]"),
            (ComprehensionKind::Object, Some(key)) => {
                format!("{{{}: {value} | {body}}}", self.term(key, true))
            }
            _ => format!("{{{value} | {body}}}"),
        }
    }

    fn body(&self, body: &[Rc<Expr<'_>>]) -> String {
        body.iter().map(|e| self.expr(e)).collect::<Vec<_>>().join("; ")
    }

    fn expr(&self, e: &Expr<'_>) -> String {
        let mut out = if e.negated { "not ".to_owned() } else { String::new() };
        out.push_str(&self.kind(&e.kind));
        for with in e.with.iter() {
            let target = match &with.target {
                Target::Document(parts) => self.reference(parts),
                Target::Function(callee) => callee.text(),
            };
            out.push_str(&format!(" with {target} as {}", self.term(&with.value, true)));
        }
        out
    }

    fn kind(&self, kind: &ExprKind<'_>) -> String {
        match kind {
            ExprKind::Term(t) => self.term(t, false),
            ExprKind::Unify(a, b) => format!("{} = {}", self.term(a, false), self.term(b, false)),
            ExprKind::Call(callee, args) => self.call_statement(callee, args),
            ExprKind::Every(every) => {
                // A key that nobody uses must not be declared.
                let used = mentions(&every.body, &every.key);
                let key = if used { format!("{}, ", self.term(&every.key, false)) } else { String::new() };
                let value = if mentions(&every.body, &every.value) {
                    self.term(&every.value, false)
                } else {
                    "_".to_owned()
                };
                let domain = self.term(&every.domain, false);
                format!("every {key}{value} in {domain} {{ {} }}", self.body(&every.body))
            }
            ExprKind::Not { body, explicit } => match (body.len(), explicit) {
                (1, false) => format!("not {}", self.body(body)),
                _ => format!("not {{ {} }}", self.body(body)),
            },
            ExprKind::And(a, b) => format!("{} and {}", self.operand(a), self.operand(b)),
            ExprKind::Or(a, b) => format!("{} or {}", self.operand(a), self.operand(b)),
        }
    }

    fn operand(&self, body: &Body<'_>) -> String {
        format!("{{ {} }}", self.body(body))
    }

    fn call_statement(&self, callee: &Callee<'_>, args: &[Term<'_>]) -> String {
        if let Some(text) = self.infix(callee, args) {
            return text;
        }
        if let Some((output, inputs)) = args.split_last()
            && let Some(text) = self.infix(callee, inputs)
        {
            let relation = text.contains(" in ");
            let text = if relation { format!("({text})") } else { text };
            return format!("{} = {text}", self.term(output, false));
        }
        self.call(callee, args)
    }
}

/// Whether a variable occurs in a body.
fn mentions(body: &Body<'_>, var: &Term<'_>) -> bool {
    let mut found = false;
    visit::body(body, &mut |shown| {
        found |= matches!(shown, Shown::Term(t) if t == var);
        found
    });
    found
}

/// The future keywords that statements need.
pub(crate) fn keywords(body: &[Rc<Expr<'_>>]) -> BTreeSet<&'static str> {
    let mut out = BTreeSet::new();
    for e in body {
        visit::expr(e, &mut |shown| {
            if let Shown::Expr(e) = shown {
                match &e.kind {
                    ExprKind::Not { body, explicit } if *explicit || body.len() != 1 => out.insert("not"),
                    ExprKind::And(..) => out.insert("and"),
                    ExprKind::Or(..) => out.insert("or"),
                    _ => false,
                };
            }
            false
        });
    }
    out
}

/// The statements of a query, one a line.
pub(crate) fn query(body: &Body<'_>) -> String {
    let names = Names::of(body, &[]);
    let writer = Writer { names: &names };
    body.iter().map(|e| writer.expr(e)).collect::<Vec<_>>().join("\n")
}

/// A module of support rules, in need of a formatter.
pub(crate) fn module(module: &SupportModule<'_>, import_v1: bool) -> String {
    let mut path = module.package.get(1..).unwrap_or_default().to_vec();
    if let Some(first) = path.first_mut()
        && let Some(name) = first.as_value().and_then(|v| v.as_str())
    {
        *first = Term::var(name);
    }
    let mut out = format!("package {}\n", text::reference(&path));
    let keywords: BTreeSet<&str> = module.rules.iter().flat_map(|r| keywords(&r.body)).collect();
    if import_v1 {
        out.push_str("\nimport rego.v1\n");
    }
    for keyword in keywords {
        out.push_str(&format!("\nimport future.keywords.{keyword}\n"));
    }
    for rule in &module.rules {
        out.push('\n');
        out.push_str(&self::rule(rule));
        out.push('\n');
    }
    out
}

fn rule(rule: &SupportRule<'_>) -> String {
    let head: Vec<&Term<'_>> =
        rule.path.iter().chain(rule.args.iter().flatten()).chain(&rule.key).chain(&rule.value).collect();
    let names = Names::of(&rule.body, &head);
    let w = Writer { names: &names };
    let mut out = if rule.default { "default ".to_owned() } else { String::new() };
    out.push_str(&w.reference(&rule.path));
    if let Some(args) = &rule.args {
        out.push_str(&format!("({})", w.list(args)));
    }
    if let Some(key) = rule.key.as_ref().filter(|_| rule.value.is_none()) {
        out.push_str(&format!(" contains {}", w.term(key, false)));
    }
    let empty = matches!(&rule.body[..], [only] if is_truth(only));
    if let Some(value) = &rule.value {
        let is_true = value.as_value().is_some_and(|v| v.as_bool() == Some(true));
        if rule.default || empty || !is_true {
            out.push_str(&format!(" := {}", w.term(value, false)));
        }
    }
    if rule.default || empty {
        return out;
    }
    match &rule.body[..] {
        [only] => out.push_str(&format!(" if {}", w.expr(only))),
        many => {
            let lines = many.iter().map(|e| format!("\t{}\n", w.expr(e)));
            out.push_str(&format!(" if {{\n{}}}", lines.collect::<String>()));
        }
    }
    out
}

fn is_truth(e: &Expr<'_>) -> bool {
    matches!(&e.kind, ExprKind::Term(t) if t.as_value().is_some_and(|v| v.as_bool() == Some(true)))
        && !e.negated
        && e.with.is_empty()
}
