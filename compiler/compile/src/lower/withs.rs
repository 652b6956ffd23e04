//! `with`: what may be replaced and by what. Values that must be evaluated are bound before the statement.

use crate::builtins::Builtins;
use crate::check::{compile_error, type_error};
use crate::hir::Const;
use crate::lower::names::{Name, Names};
use crate::lower::print;
use crate::lower::tree::*;
use crate::rules::{RuleTree, is_data};
use govc_syntax::{Diagnostic, Span};

/// Checks and rewrites `with` modifiers.
pub(crate) struct Withs<'a> {
    pub(crate) names: &'a mut Names,
    pub(crate) builtins: &'a Builtins,
    pub(crate) tree: &'a RuleTree,
    /// Whether the rule at a position is a function.
    pub(crate) functions: &'a [usize],
    pub(crate) errors: Vec<Diagnostic>,
}

impl Withs<'_> {
    /// Rewrites one body, not those inside of it.
    pub(crate) fn body(&mut self, body: &mut Body) {
        if body.iter().all(|e| e.with.is_empty()) {
            return;
        }
        let mut out = Vec::with_capacity(body.len());
        let mut failed = false;
        for mut e in std::mem::take(body) {
            for with in &mut e.with {
                if failed {
                    break;
                }
                self.name_builtin(&mut with.value);
                self.name_builtin(&mut with.target);
                match self.check(with) {
                    Ok(true) => out.push(self.bind(with)),
                    Ok(false) => {}
                    Err(error) => {
                        self.errors.push(*error);
                        failed = true;
                    }
                }
            }
            out.push(e);
        }
        *body = out;
    }

    /// A variable with the name of a builtin is the builtin, not a variable.
    fn name_builtin(&self, t: &mut Term) {
        if let TermKind::Var(name) = t.kind
            && !self.names.is_rewritten(name)
            && self.builtins.contains(self.names.raw(name))
        {
            t.kind = TermKind::Ref(vec![Term::var(name, t.span)]);
        }
    }

    fn bind(&mut self, with: &mut With) -> Expr {
        let span = with.value.span;
        let local = Term::var(self.names.fresh(span), span);
        let value = std::mem::replace(&mut with.value, local.clone());
        Expr::generated(local, value)
    }

    /// Whether the value must be bound to a variable first.
    fn check(&mut self, with: &With) -> Result<bool, Box<Diagnostic>> {
        let target = &with.target;
        if let Some(parts) = target.as_ref_parts() {
            if is_data(parts) {
                return self.data_target(parts, with);
            }
            if parts.first().and_then(Term::as_var) == Some(Name::INPUT) {
                return Ok(with.value.requires_eval());
            }
        }
        if let Some(name) = self.builtin(target)? {
            self.builtin_target(&name, target.span)?;
            if self.is_function(&with.value)? {
                return Ok(false);
            }
            return Ok(with.value.requires_eval());
        }
        let message = "with keyword target must reference existing input, data, or a function";
        Err(Box::new(type_error("govc_with_target", (target.span, message.to_owned()))))
    }

    fn data_target(&mut self, parts: &[Term], with: &With) -> Result<bool, Box<Diagnostic>> {
        let mut node = Some(self.tree.root());
        for (i, step) in parts.iter().enumerate().skip(1) {
            let next = match (&step.kind, node) {
                (TermKind::Const(key), Some(at)) => self.tree.child(at, key),
                _ => None,
            };
            let has_rules = next.is_some_and(|n| !self.tree.node(n).rules.is_empty());
            if has_rules && i + 1 < parts.len() {
                let message = "with keyword cannot partially replace virtual document(s)";
                return Err(with_error(with.target.span, message));
            }
            node = next;
        }
        let replaces_function = node.is_some_and(|n| self.is_function_node(n));
        if replaces_function && self.is_function(&with.value)? {
            return Ok(false);
        }
        if let Some(value) = with.value.as_ref_parts().and_then(|p| self.tree.at_ref(p))
            && self.is_function_node(value)
        {
            return Ok(false);
        }
        Ok(with.value.requires_eval())
    }

    fn is_function_node(&self, node: usize) -> bool {
        self.tree.node(node).rules.iter().any(|&r| self.functions[r] > 0)
    }

    fn is_function(&self, value: &Term) -> Result<bool, Box<Diagnostic>> {
        if value.as_ref_parts().and_then(|p| self.tree.at_ref(p)).is_some() {
            return Ok(true);
        }
        Ok(self.builtin(value)?.is_some())
    }

    fn builtin(&self, t: &Term) -> Result<Option<String>, Box<Diagnostic>> {
        let Some(name) = builtin_name(self.names, t) else { return Ok(None) };
        if self.builtins.refused.contains(&name) {
            let message =
                format!("with keyword replacing built-in function: target must not be unsafe: {name:?}");
            return Err(with_error(t.span, &message));
        }
        Ok(self.builtins.contains(&name).then_some(name))
    }

    fn builtin_target(&self, name: &str, span: Span) -> Result<(), Box<Diagnostic>> {
        let text = "with keyword replacing built-in function:";
        let message = if matches!(name, "eq" | "rego.metadata.chain" | "rego.metadata.rule") {
            format!("{text} replacement of {name:?} invalid")
        } else if name.starts_with("internal.") {
            format!("{text} replacement of internal function {name:?} invalid")
        } else if self.builtins.is_relation(name) {
            format!("{text} target must not be a relation")
        } else if self.builtins.is_void(name) {
            format!("{text} target must not be a void function")
        } else {
            return Ok(());
        };
        Err(with_error(span, &message))
    }
}

fn with_error(span: Span, message: &str) -> Box<Diagnostic> {
    Box::new(compile_error("govc_with", (span, message.to_owned())))
}

/// The dotted name of a term that may name a builtin.
pub(crate) fn builtin_name(names: &Names, t: &Term) -> Option<String> {
    match &t.kind {
        TermKind::Var(name) if !names.is_rewritten(*name) => Some(names.raw(*name).to_owned()),
        TermKind::Ref(parts) => {
            let head = parts.first()?.as_var().filter(|n| !n.is_root() && !names.is_rewritten(*n))?;
            let mut text = names.raw(head).to_owned();
            for part in &parts[1..] {
                match &part.kind {
                    TermKind::Const(Const::String(field)) => print::push_field(field, &mut text),
                    _ => return None,
                }
            }
            Some(text)
        }
        _ => None,
    }
}
