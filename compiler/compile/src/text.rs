//! The HIR as text: what `--emit hir` prints. Deterministic; variables carry their number where their
//! name is not enough.

use crate::hir::*;
use std::fmt::Write;

/// All rules of a unit.
pub fn unit(unit: &Unit) -> String {
    let mut out = String::new();
    for rule in &unit.rules {
        Printer { scope: &rule.scope, out: &mut out }.rule(rule);
    }
    out
}

/// A reference as OPA prints it: `data.a["b c"]`.
///
/// ```
/// let path = ["data", "a", "b c"].map(str::to_owned);
/// assert_eq!(govc_compile::text::reference(&path), r#"data.a["b c"]"#);
/// ```
pub fn reference(path: &[String]) -> String {
    let mut text = path.first().cloned().unwrap_or_default();
    path.iter().skip(1).for_each(|step| crate::lower::print::push_field(step, &mut text));
    text
}

/// A query.
pub fn query(query: &Query) -> String {
    let mut out = String::new();
    let mut p = Printer { scope: &query.scope, out: &mut out };
    p.body(&query.body, 0);
    for (_, term) in &query.expressions {
        let text = p.term(term);
        let _ = writeln!(p.out, "show {text}");
    }
    let written = query.scope.vars.iter().enumerate().filter(|(_, v)| v.written);
    for (i, _) in written {
        let text = p.var(Var(i as u32));
        let _ = writeln!(p.out, "bind {text}");
    }
    out
}

struct Printer<'a> {
    scope: &'a Scope,
    out: &'a mut String,
}

impl Printer<'_> {
    fn rule(&mut self, rule: &Rule) {
        let default = if rule.default { "default " } else { "" };
        let mut head = format!("{default}rule {}", path(&rule.path));
        for step in &rule.dynamic {
            let _ = write!(head, "[{}]", self.term(step));
        }
        if let Some(params) = &rule.params {
            let _ = write!(head, "({})", self.terms(params));
        }
        if rule.kind == RuleKind::Multi {
            head.push_str(" contains");
        }
        let _ = writeln!(self.out, "{head}");
        for (i, branch) in rule.branches.iter().enumerate() {
            let word = if i == 0 { "value" } else { "else" };
            let value = self.term(&branch.value);
            let _ = writeln!(self.out, "  {word} {value}");
            self.body(&branch.body, 2);
        }
        self.out.push('\n');
    }

    fn body(&mut self, body: &Body, indent: usize) {
        for e in body {
            self.expr(e, indent);
        }
    }

    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.out, "{:indent$}{text}", "");
    }

    fn expr(&mut self, e: &Expr, indent: usize) {
        let with: String = e.with.iter().map(|w| self.with(w)).collect();
        match &e.kind {
            ExprKind::Term(t) => {
                let text = format!("{}{with}", self.term(t));
                self.line(indent, &text);
            }
            ExprKind::Unify(a, b) => {
                let text = format!("{} = {}{with}", self.term(a), self.term(b));
                self.line(indent, &text);
            }
            ExprKind::Call { callee, args, output } => {
                let mut text = format!("{}({})", callee_text(callee), self.terms(args));
                if let Some(output) = output {
                    let _ = write!(text, " -> {}", self.term(output));
                }
                self.line(indent, &(text + &with));
            }
            ExprKind::Not(body) => {
                self.line(indent, &format!("not{with}"));
                self.body(body, indent + 2);
            }
            ExprKind::Every { key, value, domain, body } => {
                let key = key.map_or(String::new(), |k| format!("{}, ", self.var(k)));
                let text = format!("every {key}{} in {}{with}", self.var(*value), self.term(domain));
                self.line(indent, &text);
                self.body(body, indent + 2);
            }
            ExprKind::Or(bodies) => {
                for (i, body) in bodies.iter().enumerate() {
                    let word = if i == 0 { format!("either{with}") } else { "or".to_owned() };
                    self.line(indent, &word);
                    self.body(body, indent + 2);
                }
            }
        }
    }

    fn with(&self, with: &With) -> String {
        let target = match &with.target {
            WithTarget::Input(steps) => format!("input{}", self.steps(steps)),
            WithTarget::Data(steps) => format!("data{}", self.steps(steps)),
            WithTarget::Function(callee) => callee_text(callee),
        };
        let value = match &with.value {
            WithValue::Term(t) => self.term(t),
            WithValue::Function(callee) => format!("function {}", callee_text(callee)),
        };
        format!(" with {target} as {value}")
    }

    fn var(&self, var: Var) -> String {
        let info = self.scope.vars.get(var.0 as usize);
        match info {
            Some(info) if info.name.starts_with("__local") => format!("${}", var.0),
            Some(info) => format!("{}${}", info.name, var.0),
            None => format!("?{}", var.0),
        }
    }

    fn terms(&self, terms: &[Term]) -> String {
        terms.iter().map(|t| self.term(t)).collect::<Vec<_>>().join(", ")
    }

    fn steps(&self, steps: &[Term]) -> String {
        steps.iter().map(|t| self.step(t)).collect()
    }

    fn step(&self, step: &Term) -> String {
        let mut out = String::new();
        match step {
            Term::Const(Const::String(s)) => crate::lower::print::push_field(s, &mut out),
            other => {
                let _ = write!(out, "[{}]", self.term(other));
            }
        }
        out
    }

    fn term(&self, term: &Term) -> String {
        match term {
            Term::Const(c) => crate::lower::print::constant(c),
            Term::Var(v) => self.var(*v),
            Term::Ref(r) => {
                let head = match r.head {
                    RefHead::Input => "input".to_owned(),
                    RefHead::Data => "data".to_owned(),
                    RefHead::Var(v) => self.var(v),
                };
                head + &self.steps(&r.steps)
            }
            Term::Array(items) => format!("[{}]", self.terms(items)),
            Term::Set(items) if items.is_empty() => "set()".to_owned(),
            Term::Set(items) => format!("{{{}}}", self.terms(items)),
            Term::Object(pairs) => {
                let pairs: Vec<String> =
                    pairs.iter().map(|(k, v)| format!("{}: {}", self.term(k), self.term(v))).collect();
                format!("{{{}}}", pairs.join(", "))
            }
            Term::Comprehension(c) => self.comprehension(c),
        }
    }

    fn comprehension(&self, c: &Comprehension) -> String {
        let mut body = String::new();
        Printer { scope: self.scope, out: &mut body }.body(&c.body, 0);
        let body = body.trim_end().replace('\n', "; ");
        match &c.kind {
            ComprehensionKind::Array(t) => format!("[{} | {body}]", self.term(t)),
            ComprehensionKind::Set(t) => format!("{{{} | {body}}}", self.term(t)),
            ComprehensionKind::Object(k, v) => format!("{{{}: {} | {body}}}", self.term(k), self.term(v)),
        }
    }
}

fn callee_text(callee: &Callee) -> String {
    match callee {
        Callee::Builtin(name) => name.clone(),
        Callee::Function(path) => crate::lower::print::data_path(path),
    }
}

fn path(path: &[String]) -> String {
    crate::lower::print::data_path(path)
}
