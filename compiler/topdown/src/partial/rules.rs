//! Rules that depend on what is unknown: inlined, or made support rules.

use super::copyprop;
use super::support::{SupportRule, split};
use crate::bindings;
use crate::calls::FunctionCall;
use crate::error::{Flow, Stop, Then};
use crate::frame::Frame;
use crate::rules::Virtual;
use crate::term::*;
use crate::trace::{Op, TraceNode};
use crate::visit::{self, Shown};
use std::collections::BTreeSet;
use std::rc::Rc;

impl<'m, 'q> Frame<'m, 'q> {
    pub(crate) fn complete_partially(&self, v: &Virtual<'_, 'q>, then: &mut Then<'_>) -> Flow {
        let Some(partial) = &self.m.partial else { return Ok(()) };
        let mut support = false;
        if let Some(default) = &v.found.default {
            let value = default.result();
            if !(value.is_false() && partial.disabled_var(&v.walk.result)) {
                let other = bindings::plug(self.m.heap, &v.walk.result_bindings, &v.walk.result);
                support = other.as_value().is_none() || value == other;
            }
        }
        if support || partial.shallow || self.is_disabled(v.plugged_name(), false) {
            return self.support_complete(v, then);
        }
        for (rule, _) in &v.found.rules {
            let child = self.child(rule.body.clone());
            let node = TraceNode::Rule(rule.clone());
            child.trace(Op::Enter, &node);
            child.eval(&mut || {
                child.trace(Op::Exit, &node);
                let (term, of) = bindings::apply(&child.bindings, &rule.result());
                self.walk_term(v.walk, v.pos + 1, &term, &of, then)?;
                child.trace(Op::Redo, &node);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// The reference below the namespace of support rules.
    fn namespaced_parts(&self, parts: &[Term<'q>]) -> Vec<Term<'q>> {
        let mut out = parts.to_vec();
        if let Some(partial) = self.m.partial.as_ref().filter(|p| !p.skip_namespace) {
            out.insert(1.min(out.len()), partial.namespace.clone());
        }
        out
    }

    fn support_complete(&self, v: &Virtual<'_, 'q>, then: &mut Then<'_>) -> Flow {
        let Some(partial) = &self.m.partial else { return Ok(()) };
        let path = self.namespaced_parts(v.plugged_name());
        let mut defined = partial.support.borrow().exists(&path);
        if !defined {
            let rules = v.found.rules.iter().map(|(r, _)| r).chain(&v.found.default);
            for rule in rules {
                let own = v.plugged_name().len().saturating_sub(rule.package);
                let package = path[..path.len() - own].to_vec();
                let mut head = v.plugged_name()[rule.package..].to_vec();
                name_first(&mut head);
                defined |= self.support_rule(rule, |child, body| {
                    let value = child.plug_for_caller(&rule.result());
                    let body = self.shortened(body, head.iter().chain([&value]));
                    let rule = SupportRule {
                        path: head.clone(),
                        args: None,
                        key: None,
                        value: Some(value),
                        default: rule.default,
                        body,
                    };
                    partial.support.borrow_mut().insert_in(package.clone(), rule);
                })?;
            }
        }
        if !defined {
            return Ok(());
        }
        let reference = Term::reference(self.namespaced_parts(&v.walk.parts));
        self.save_unify(reference, v.walk.result.clone(), &v.walk.bindings, &v.walk.result_bindings, then)
    }

    /// Evaluates a rule for itself; each solution that can hold is given with its residual.
    fn support_rule(
        &self,
        rule: &Rc<Rule<'q>>,
        mut keep: impl FnMut(&Frame<'m, 'q>, Body<'q>),
    ) -> Result<bool, Stop> {
        let Some(partial) = &self.m.partial else { return Ok(false) };
        let child = self.child(rule.body.clone());
        let node = TraceNode::Rule(rule.clone());
        child.trace(Op::Enter, &node);
        partial.push_query(Vec::new());
        let params = rule.args.as_deref().map(vars_of);
        if let Some(params) = &params {
            partial.push_save(params.clone(), &child.bindings);
        }
        let mut defined = false;
        let flow = child.eval(&mut || {
            child.trace(Op::Exit, &node);
            defined = true;
            let current = partial.pop_query();
            let body = super::plugged(self.m.heap, &current, &self.m.caller);
            if partial.passes(&body) {
                keep(&child, body);
            }
            child.trace(Op::Redo, &node);
            partial.push_query(current);
            Ok(())
        });
        if params.is_some() {
            partial.pop_saves(1);
        }
        partial.pop_query();
        flow.map(|()| defined)
    }

    /// A body without intermediate variables, but for those of the head.
    fn shortened<'t>(&self, body: Body<'q>, head: impl Iterator<Item = &'t Term<'q>>) -> Body<'q>
    where
        'q: 't,
    {
        if self.is_shallow() {
            return body;
        }
        let mut live = BTreeSet::new();
        for t in head {
            live.extend(vars_of(std::slice::from_ref(t)));
        }
        copyprop::propagate(self.m, &live, body, true)
    }

    pub(crate) fn support_document(&self, v: &Virtual<'_, 'q>, then: &mut Then<'_>) -> Flow {
        let Some(partial) = &self.m.partial else { return Ok(()) };
        let path = self.namespaced_parts(v.plugged_name());
        let mut defined = partial.support.borrow().exists(&path);
        if !defined {
            for (rule, _) in &v.found.rules {
                defined |= self.support_rule(rule, |child, body| {
                    let parts = self.namespaced_parts(&rule.path);
                    let plug = |(i, t): (usize, &Term<'q>)| {
                        if i == 0 { t.clone() } else { child.plug_for_caller(t) }
                    };
                    let parts: Vec<Term<'q>> = parts.iter().enumerate().map(plug).collect();
                    let (package, head) = split(&parts);
                    let key = rule.key.as_ref().map(|k| child.plug_for_caller(k));
                    let value = rule.value.as_ref().map(|v| child.plug_for_caller(v));
                    let body = self.shortened(body, head.iter().chain(&key).chain(&value));
                    let rule =
                        SupportRule { path: head, args: None, key, value, default: rule.default, body };
                    partial.support.borrow_mut().insert_in(package, rule);
                })?;
            }
        }
        let mut term = Term::reference(self.namespaced_parts(&v.walk.parts));
        if !defined {
            if v.walk.parts.len() != v.pos + 1 {
                return Ok(());
            }
            let heap = self.m.heap;
            term = Term::new(match v.found.multi && v.found.only_ground {
                true => set(heap, Vec::new()),
                false => object(heap, Vec::new()),
            });
        }
        self.save_unify(term, v.walk.result.clone(), &v.walk.bindings, &v.walk.result_bindings, then)
    }

    /// A call that must be saved, or become a call of a support function; none where it is inlined.
    pub(crate) fn call_partially(&self, call: &FunctionCall<'_, 'q>, then: &mut Then<'_>) -> Option<Flow> {
        let args: Rc<[Term<'q>]> = call.args.into();
        if call.found.is_ordered() && self.expr().is_some_and(|e| self.is_unknown_expr(&e)) {
            return Some(self.save_call(call.callee.clone(), args, call.arity, then));
        }
        let support = match &call.found.default {
            Some(default) => call.output().is_some() || !default.result().is_false(),
            None => false,
        };
        let parts = call.callee.reference(self.m.heap);
        if !(support || self.is_shallow() || self.is_disabled(&parts, false)) {
            return None;
        }
        let unknown = self.is_unknown_parts(&parts, &self.bindings)
            || call.args[..call.arity.min(call.args.len())].iter().any(|t| self.is_unknown(t));
        unknown.then(|| self.support_function(call, &parts, then))
    }

    fn support_function(&self, call: &FunctionCall<'_, 'q>, parts: &[Term<'q>], then: &mut Then<'_>) -> Flow {
        let Some(partial) = &self.m.partial else { return Ok(()) };
        let path = self.namespaced_parts(parts);
        if !partial.support.borrow().exists(&path) {
            let rules = call.found.rules.iter().map(|(r, _)| r).chain(&call.found.default);
            for rule in rules {
                self.support_rule(rule, |child, body| {
                    let args = rule.args.iter().flatten().map(|t| child.plug_for_caller(t)).collect();
                    let mut head = rule.path[rule.package..].to_vec();
                    name_first(&mut head);
                    let rule = SupportRule {
                        path: head,
                        args: Some(args),
                        key: None,
                        value: Some(child.plug_for_caller(&rule.result())),
                        default: rule.default,
                        body,
                    };
                    partial.support.borrow_mut().insert(&path, rule);
                })?;
            }
        }
        if !partial.support.borrow().exists(&path) {
            return Ok(());
        }
        let path: Rc<[govc_value::Value<'q>]> = path[1..].iter().filter_map(Term::as_value).collect();
        self.save_call(Callee::Function(path), call.args.into(), call.arity, then)
    }
}

fn name_first(parts: &mut [Term<'_>]) {
    if let Some(first) = parts.first_mut()
        && let Some(name) = first.as_value().and_then(|v| v.as_str())
    {
        *first = Term::var(name);
    }
}

fn vars_of(terms: &[Term<'_>]) -> Vec<Name> {
    let mut out = Vec::new();
    for t in terms {
        visit::term(t, &mut |shown| {
            if let Shown::Term(Term { node: Node::Var(name), .. }) = shown {
                out.push(name.clone());
            }
            false
        });
    }
    out
}
