//! Calls: functions of the policy, builtins, and what `with` puts in their places.

use crate::error::{Error, Flow, Stop, Then, suppress};
use crate::frame::Frame;
use crate::index::Found;
use crate::memo::Key;
use crate::operations::BUILTIN_CALL;
use crate::term::*;
use crate::trace::{Op, TraceNode};
use govc_stdlib::{BuiltinError, Context, Purity};
use govc_value::Value;
use std::rc::Rc;

/// A call of a function of the policy.
pub(crate) struct FunctionCall<'a, 'q> {
    pub(crate) callee: &'a Callee<'q>,
    pub(crate) args: &'a [Term<'q>],
    pub(crate) found: Found<'q>,
    /// Parameters.
    pub(crate) arity: usize,
}

impl<'q> FunctionCall<'_, 'q> {
    pub(crate) fn output(&self) -> Option<&Term<'q>> {
        self.args.get(self.arity)
    }
}

impl<'m, 'q> Frame<'m, 'q> {
    pub(crate) fn eval_call(&self, callee: &Callee<'q>, args: &Rc<[Term<'q>]>, then: &mut Then<'_>) -> Flow {
        let mock = self.m.mock(&callee.text());
        if let Some(other) = mock.as_ref().and_then(|m| self.m.as_function(m)) {
            self.m.mocks.borrow_mut().push(Vec::new());
            let flow = self.eval_call(&other, args, &mut || {
                let group = self.m.mocks.borrow_mut().pop();
                let flow = then();
                self.m.mocks.borrow_mut().push(group.unwrap_or_default());
                flow
            });
            self.m.mocks.borrow_mut().pop();
            return flow;
        }
        if let Some(value) = mock {
            let arity = self.m.arity(callee).unwrap_or(args.len());
            return match args.get(arity) {
                Some(output) => self.unify(output, &value, then),
                None if value.is_false() => Ok(()),
                None => then(),
            };
        }
        match callee {
            Callee::Function(path) => self.eval_function(callee, path, args, then),
            Callee::Builtin(name) => self.eval_builtin(callee, name, args, then),
        }
    }

    fn eval_function(
        &self,
        callee: &Callee<'q>,
        path: &[Value<'q>],
        args: &Rc<[Term<'q>]>,
        then: &mut Then<'_>,
    ) -> Flow {
        let Some(node) = self.m.tree.find(path.iter().copied()) else { return Ok(()) };
        let known = (!self.m.is_partial()).then_some(&args[..]);
        let Some(found) = self.rules_at(node, &data_reference(path), known)? else { return Ok(()) };
        if found.is_empty() {
            return Ok(());
        }
        let arity = found.first().map_or(0, |r| r.arity());
        let call = FunctionCall { callee, args, found, arity };
        if self.m.is_partial()
            && let Some(flow) = self.call_partially(&call, then)
        {
            return flow;
        }
        self.call_value(&call, then)
    }

    fn call_value(&self, call: &FunctionCall<'_, 'q>, then: &mut Then<'_>) -> Flow {
        let mut key = None;
        if !self.m.is_partial() {
            let plugged = call.args[..call.arity].iter().map(|t| self.plug(t));
            let parts: Vec<Term<'q>> =
                call.callee.reference(self.m.heap).into_iter().chain(plugged).collect();
            let wanted = Key { parts, scope: Vec::new() };
            if let Some(Some(value)) = self.recall(&wanted) {
                return match call.output() {
                    Some(output) => self.unify(output, &value, then),
                    None if value.is_false() => Ok(()),
                    None => then(),
                };
            }
            key = Some(wanted);
        }
        suppress(self.call_rules(call, key.as_ref(), then))
    }

    fn call_rules(&self, call: &FunctionCall<'_, 'q>, key: Option<&Key<'q>>, then: &mut Then<'_>) -> Flow {
        let (known, deferred) =
            call.found.known_value(|rule, known| self.call_rule(call, rule, key, known, then))?;
        if let Some(rule) = call.found.default.as_ref().filter(|_| known.is_none()) {
            return self.call_rule(call, rule, key, None, then).0;
        }
        deferred.end()
    }

    fn call_rule(
        &self,
        call: &FunctionCall<'_, 'q>,
        rule: &Rc<Rule<'q>>,
        key: Option<&Key<'q>>,
        mut known: Option<Term<'q>>,
        then: &mut Then<'_>,
    ) -> (Flow, Option<Term<'q>>) {
        let mut child = self.child(rule.body.clone());
        child.find_one = call.found.early_exit;
        let node = TraceNode::Rule(rule.clone());
        child.trace(Op::Enter, &node);
        let head = rule.result();
        let mut params: Vec<Term<'q>> = rule.args.clone().unwrap_or_default();
        let captured = call.output().is_some();
        if captured {
            params.push(head.clone());
        }
        let mut found = None;
        let conflict = || {
            let text = "functions must not produce multiple outputs for same inputs";
            Stop::conflict(text, rule.at)
        };
        let flow = child.unify_all(call.args, &params, &self.bindings, &child.bindings, &mut || {
            child.eval(&mut || {
                child.trace(Op::Exit, &node);
                if !captured && child.is_saved(&head, &child.bindings) {
                    let expr = Expr::new(ExprKind::Term(head.clone()));
                    let flow = self.save_expr_of(expr, &child.bindings, then);
                    child.trace(Op::Redo, &node);
                    return flow;
                }
                let value = child.plug(&head);
                found = Some(value.clone());
                if let Some(key) = key {
                    self.remember(key.clone(), Some(value.clone()));
                }
                if !captured && value.is_false() {
                    if known.as_ref().is_some_and(|k| *k != value) {
                        return Err(conflict());
                    }
                    known = Some(value);
                    return Ok(());
                }
                if !self.m.is_partial()
                    && let Some(known) = &known
                {
                    if *known != value {
                        return Err(conflict());
                    }
                    child.trace(Op::Redo, &node);
                    return Ok(());
                }
                known = Some(value);
                then()?;
                child.trace(Op::Redo, &node);
                Ok(())
            })
        });
        (flow, found)
    }

    fn eval_builtin(
        &self,
        callee: &Callee<'q>,
        name: &Name,
        args: &Rc<[Term<'q>]>,
        then: &mut Then<'_>,
    ) -> Flow {
        if let Some(body) = self.m.builtins.host.get(&**name).and_then(|h| h.body.as_ref()) {
            let path: Rc<[Value<'q>]> = body.iter().map(|s| self.m.heap.string(s)).collect();
            return self.eval_function(&Callee::Function(path.clone()), &path, args, then);
        }
        if !self.m.builtins.contains(name) {
            let text = format!("unsupported built-in: {name}");
            return Err(Stop::error("eval_internal_error", text, self.place()));
        }
        let arity = self.m.builtins.arity(name).unwrap_or(args.len());
        if self.m.is_partial() && self.expr().is_some_and(|e| self.is_unknown_expr(&e)) {
            return self.save_call(callee.clone(), args.clone(), arity, then);
        }
        let (inputs, output) = match args.len() > arity && !self.m.builtins.is_variadic(name) {
            true => (&args[..arity], args.get(arity)),
            false => (&args[..], None),
        };
        let operands: Vec<Term<'q>> = inputs.iter().map(|t| self.plug(t)).collect();
        let values: Option<Vec<Value<'q>>> = operands.iter().map(Term::as_value).collect();
        let Some(values) = values else {
            let at = operands.iter().position(|t| t.as_value().is_none()).unwrap_or_default();
            let text = format!(
                "built-in function {name} called with operand {} that requires evaluation: {}",
                at + 1,
                crate::text::term(&operands[at])
            );
            return Err(Stop::error("eval_internal_error", text, self.place()));
        };
        match (&**name, values.first()) {
            ("trace", text) => self.note(text.and_then(|v| v.as_str()).unwrap_or_default()),
            ("internal.test_case", Some(names)) => self.trace_case(callee, *names),
            _ => {}
        }
        let Some(answer) = self.m.timed(BUILTIN_CALL, || self.perform(name, &values))? else { return Ok(()) };
        if self.m.builtins.is_void(name) {
            return then();
        }
        if self.m.builtins.is_relation(name) {
            for (_, value) in answer.entries() {
                self.accept(output, value, then)?;
            }
            return Ok(());
        }
        if answer.is_undefined() { Ok(()) } else { self.accept(output, answer, then) }
    }

    fn accept(&self, output: Option<&Term<'q>>, value: Value<'q>, then: &mut Then<'_>) -> Flow {
        match output {
            Some(output) => self.unify(output, &Term::value(value), then),
            None if value == Value::FALSE => Ok(()),
            None => then(),
        }
    }

    /// The answer of a builtin; none where it failed and that means undefined.
    fn perform(&self, name: &Name, values: &[Value<'q>]) -> Result<Option<Value<'q>>, Stop> {
        let known = govc_stdlib::lookup(name).filter(|_| !self.m.builtins.host.contains_key(&**name));
        let recorded = known.is_some_and(|b| b.purity == Purity::Nondeterministic);
        let key = recorded.then(|| (name.clone(), self.m.heap.array(values)));
        if let Some(answer) = key.as_ref().and_then(|k| self.m.recorded.borrow().get(k).copied()) {
            return Ok(Some(answer));
        }
        let answer = self.call_host(name, known, values);
        match answer {
            Ok(value) => {
                if let Some(key) = key {
                    self.m.recorded.borrow_mut().insert(key, value);
                }
                Ok(Some(value))
            }
            Err(e @ (BuiltinError::Type(_) | BuiltinError::Failed(_))) => {
                let message = format!("{name}: {}", e.text());
                self.m.errors.borrow_mut().push(Error { code: e.code(), message, at: self.place() });
                Ok(None)
            }
            Err(e) => {
                let code = if matches!(e, BuiltinError::Limit(_)) { "govc_limit_memory" } else { e.code() };
                Err(Stop::error(code, e.text(), self.place()))
            }
        }
    }

    fn call_host(
        &self,
        name: &Name,
        known: Option<&'static govc_stdlib::Builtin>,
        values: &[Value<'q>],
    ) -> Result<Value<'q>, BuiltinError> {
        let mut world = self.m.world.borrow_mut();
        if &**name == "internal.print" {
            let operands: Vec<Value<'q>> = values.iter().flat_map(|a| a.entries().map(|(_, v)| v)).collect();
            for line in govc_stdlib::print_lines(&operands)? {
                world.print(&line, "", self.place().map_or(0, |at| at.start));
            }
            return Ok(Value::UNDEFINED);
        }
        let mut cache = self.m.cache.borrow_mut();
        match known {
            Some(builtin) => {
                let mut context = Context { heap: self.m.heap, cache: &mut cache, world: &mut **world };
                builtin.perform(&mut context, values)
            }
            None => world.call(name, self.m.heap, values),
        }
    }
}
