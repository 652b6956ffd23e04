//! Terms, statements, rules and modules as OPA's JSON.

use crate::partial::support::{SupportModule, SupportRule};
use crate::term::*;
use govc_compile::rewritten::ComprehensionKind;
use govc_value::{Heap, Value, View, json};
use std::rc::Rc;

fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn typed(kind: &str, value: &str) -> String {
    format!(r#"{{"type":"{kind}","value":{value}}}"#)
}

/// Writes trees; operators become references in a heap.
#[derive(Clone, Copy)]
pub(crate) struct Writer<'q> {
    pub(crate) heap: Heap<'q>,
}

impl<'q> Writer<'q> {
    fn terms(self, items: &[Term<'q>]) -> String {
        list(items.iter().map(|t| self.term(t)))
    }

    /// A term.
    pub(crate) fn term(self, t: &Term<'q>) -> String {
        match &t.node {
            Node::Value(v) => self.value(*v),
            Node::Var(name) => typed("var", &quoted(name)),
            Node::Builtin(name) => self.reference(&Callee::Builtin(name.clone()).reference(self.heap)),
            Node::Ref(parts) => self.reference(parts),
            Node::Array(items) => typed("array", &self.terms(items)),
            Node::Set(items) => typed("set", &self.terms(items)),
            Node::Object(pairs) => {
                let pair = |(k, v): &(Term<'q>, Term<'q>)| format!("[{},{}]", self.term(k), self.term(v));
                typed("object", &list(pairs.iter().map(pair)))
            }
            Node::Call(callee, args) => typed("call", &self.call(callee, args)),
            Node::Comprehension(c) => self.comprehension(c),
        }
    }

    fn reference(self, parts: &[Term<'q>]) -> String {
        typed("ref", &self.terms(parts))
    }

    fn call(self, callee: &Callee<'q>, args: &[Term<'q>]) -> String {
        let operator = self.reference(&callee.reference(self.heap));
        list(std::iter::once(operator).chain(args.iter().map(|t| self.term(t))))
    }

    fn comprehension(self, c: &Comprehension<'q>) -> String {
        let (term, body) = (self.term(&c.term), self.body(&c.body));
        match (c.kind, &c.key) {
            (ComprehensionKind::Object, Some(key)) => {
                let value = format!(r#"{{"key":{},"value":{term},"body":{body}}}"#, self.term(key));
                typed("objectcomprehension", &value)
            }
            (ComprehensionKind::Array, _) => {
                typed("arraycomprehension", &format!(r#"{{"term":{term},"body":{body}}}"#))
            }
            _ => typed("setcomprehension", &format!(r#"{{"term":{term},"body":{body}}}"#)),
        }
    }

    fn value(self, v: Value<'q>) -> String {
        match v.view() {
            View::Undefined | View::Null => typed("null", "{}"),
            View::Bool(b) => typed("boolean", &b.to_string()),
            View::Number(_) => typed("number", &json::to_string(v)),
            View::String(text) => typed("string", &quoted(text)),
            View::Array(a) => typed("array", &list(a.iter().map(|v| self.value(v)))),
            View::Set(s) => typed("set", &list(s.iter().map(|v| self.value(v)))),
            View::Object(o) => {
                let pair = |(k, v)| format!("[{},{}]", self.value(k), self.value(v));
                typed("object", &list(o.iter().map(pair)))
            }
        }
    }

    /// Statements.
    pub(crate) fn body(self, body: &[Rc<Expr<'q>>]) -> String {
        list(body.iter().enumerate().map(|(i, e)| self.expr(i, e)))
    }

    /// A statement with its position in its body.
    pub(crate) fn expr(self, index: usize, e: &Expr<'q>) -> String {
        let mut out = String::from("{");
        if e.generated {
            out.push_str(r#""generated":true,"#);
        }
        out.push_str(&format!(r#""index":{index}"#));
        if e.negated {
            out.push_str(r#","negated":true"#);
        }
        out.push_str(&format!(r#","terms":{}"#, self.kind(&e.kind)));
        if !e.with.is_empty() {
            out.push_str(&format!(r#","with":{}"#, list(e.with.iter().map(|w| self.with(w)))));
        }
        out.push('}');
        out
    }

    fn kind(self, kind: &ExprKind<'q>) -> String {
        match kind {
            ExprKind::Term(t) => self.term(t),
            ExprKind::Unify(a, b) => self.call(&Callee::Builtin(Rc::from("eq")), &[a.clone(), b.clone()]),
            ExprKind::Call(callee, args) => self.call(callee, args),
            ExprKind::Every(every) => format!(
                r#"{{"body":{},"domain":{},"key":{},"value":{}}}"#,
                self.body(&every.body),
                self.term(&every.domain),
                self.term(&every.key),
                self.term(&every.value)
            ),
            ExprKind::Not { body, explicit } => {
                format!(r#"{{"body":{},"explicit_body":{explicit},"type":"not"}}"#, self.body(body))
            }
            ExprKind::And(a, b) => self.logical("and", a, b),
            ExprKind::Or(a, b) => self.logical("or", a, b),
        }
    }

    fn logical(self, op: &str, a: &Body<'q>, b: &Body<'q>) -> String {
        let explicit = |name: &str, body: &Body<'q>| match body.len() {
            1 => String::new(),
            _ => format!(r#""explicit_{name}":true,"#),
        };
        format!(
            r#"{{{}{}"lhs":{},"rhs":{},"type":"{op}"}}"#,
            explicit("lhs", a),
            explicit("rhs", b),
            self.body(a),
            self.body(b)
        )
    }

    fn with(self, with: &With<'q>) -> String {
        let target = match &with.target {
            Target::Document(parts) => self.reference(parts),
            Target::Function(callee) => self.reference(&callee.reference(self.heap)),
        };
        format!(r#"{{"target":{target},"value":{}}}"#, self.term(&with.value))
    }

    /// A rule with its `else` branches.
    pub(crate) fn rule(self, rule: &Rule<'q>) -> String {
        self.rule_and(rule, &rule.elses)
    }

    fn rule_and(self, rule: &Rule<'q>, elses: &[Rc<Rule<'q>>]) -> String {
        let mut head = rule.path[rule.package..].to_vec();
        if let Some(first) = head.first_mut()
            && let Some(name) = first.as_value().and_then(|v| v.as_str())
        {
            *first = Term::var(name);
        }
        let head = self.head(&head, rule.args.as_deref(), rule.key.as_ref(), rule.value.as_ref());
        let default = if rule.default { r#""default":true,"# } else { "" };
        let otherwise = match elses.split_first() {
            Some((next, rest)) => format!(r#""else":{},"#, self.rule_and(next, rest)),
            None => String::new(),
        };
        format!(r#"{{"body":{},{default}{otherwise}"head":{head}}}"#, self.body(&rule.body))
    }

    fn head(
        self,
        path: &[Term<'q>],
        args: Option<&[Term<'q>]>,
        key: Option<&Term<'q>>,
        value: Option<&Term<'q>>,
    ) -> String {
        let mut members = Vec::new();
        if let ([Term { node: Node::Var(name), .. }], _)
        | ([Term { node: Node::Var(name), .. }, _], Some(_)) = (path, value)
        {
            members.push(format!(r#""name":{}"#, quoted(name)));
        }
        if let Some(args) = args {
            members.push(format!(r#""args":{}"#, self.terms(args)));
        }
        let key = key.or_else(|| path.get(1).filter(|_| path.len() == 2 && value.is_some()));
        if let Some(key) = key {
            members.push(format!(r#""key":{}"#, self.term(key)));
        }
        if let Some(value) = value {
            members.push(format!(r#""value":{}"#, self.term(value)));
        }
        members.push(format!(r#""ref":{}"#, self.terms(path)));
        format!("{{{}}}", members.join(","))
    }

    fn support_rule(self, rule: &SupportRule<'q>) -> String {
        let head = self.head(&rule.path, rule.args.as_deref(), rule.key.as_ref(), rule.value.as_ref());
        let default = if rule.default { r#""default":true,"# } else { "" };
        format!(r#"{{"body":{},{default}"head":{head}}}"#, self.body(&rule.body))
    }

    /// A module of support rules.
    pub(crate) fn module(self, module: &SupportModule<'q>) -> String {
        let rules = list(module.rules.iter().map(|r| self.support_rule(r)));
        format!(r#"{{"package":{{"path":{}}},"rules":{rules}}}"#, self.terms(&module.package))
    }
}
