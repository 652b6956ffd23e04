//! Calls of builtins and functions, and their replacements.

use super::shadow::{CalleeKey, Mock, ShadowId};
use super::{FuncKey, Planned, Planner};
use crate::hir::{Callee, Const, Term};
use crate::ir::{self, Local, Operand, StmtKind};

impl Planner<'_> {
    /// A call as a statement; its result is unified with `output` or must not be false.
    pub(super) fn call(&mut self, callee: &Callee, args: &[Term], output: Option<&Term>) -> Planned<()> {
        let args = self.terms(args)?;
        let shadow = self.shadows.get(self.b.shadow);
        match shadow.mocks.get(&CalleeKey::from(callee)) {
            None => self.call_itself(callee, &args, output),
            Some(Mock::Function(other)) => self.call_replacement(other, &args, output),
            Some(Mock::Document(path)) => self.mock_document(path, output),
            Some(Mock::Value) => match self.b.mocks.get(&CalleeKey::from(callee)).copied() {
                Some(value) => self.result(value, output),
                None => self.refuse("the value of a `with` is missing"),
            },
        }
    }

    /// Replacements do not hold inside a replacement.
    fn call_replacement(&mut self, callee: &Callee, args: &[Operand], output: Option<&Term>) -> Planned<()> {
        let outer = self.b.shadow;
        let inner = self.shadows.get(outer).without_mocks();
        self.b.shadow = self.shadows.intern(inner);
        let planned = self.call_itself(callee, args, output);
        self.b.shadow = outer;
        planned
    }

    /// A call whose result nobody reads does not ask for the document, which is not `false` in itself.
    fn mock_document(&mut self, path: &[Const], output: Option<&Term>) -> Planned<()> {
        let Some(output) = output else { return Ok(()) };
        let steps: Vec<Term> = path.iter().cloned().map(Term::Const).collect();
        let value = self.data_ref(&steps)?;
        self.unify_operand(value, output)
    }

    fn call_itself(&mut self, callee: &Callee, args: &[Operand], output: Option<&Term>) -> Planned<()> {
        match callee {
            Callee::Function(path) => {
                let Some(group) = self.trie.function(path) else {
                    return self.refuse(format!("undefined function data.{}", path.join(".")));
                };
                let result = self.call_func(FuncKey::Group(group), self.b.shadow, args)?;
                self.result(Operand::Local(result), output)
            }
            Callee::Builtin(name) => self.call_builtin(name, args, output),
        }
    }

    /// Replacements do not hold inside a builtin, whoever has written it.
    fn call_body(&mut self, path: &[String], args: &[Operand], output: Option<&Term>) -> Planned<()> {
        let Some(group) = self.trie.function(path) else {
            return self.refuse(format!("data.{} is not there to perform a builtin", path.join(".")));
        };
        let result = self.call_func(FuncKey::Group(group), ShadowId::NONE, args)?;
        self.result(Operand::Local(result), output)
    }

    fn call_builtin(&mut self, name: &str, args: &[Operand], output: Option<&Term>) -> Planned<()> {
        if let Some(path) = self.unit.bodies.get(name) {
            return self.call_body(path, args, output);
        }
        match (name, args, output) {
            ("equal", &[a, b], None) => {
                self.equal(a, b);
                return Ok(());
            }
            ("neq", &[a, b], None) => {
                self.b.emit(StmtKind::NotEqual { a, b });
                return Ok(());
            }
            _ => {}
        }
        let result = self.builtin(name, args);
        match (shape(name), output) {
            (Shape::Value, _) => self.result(Operand::Local(result), output),
            (Shape::Void, _) => Ok(()),
            (Shape::Relation, None) => {
                let length = self.b.local();
                self.b.emit(StmtKind::Len { source: Operand::Local(result), target: length });
                let zero = self.constant(ir::Const::Number("0".to_owned()));
                self.b.emit(StmtKind::NotEqual { a: Operand::Local(length), b: zero });
                Ok(())
            }
            (Shape::Relation, Some(output)) => {
                let (_, value) = self.b.scan(result);
                self.unify_operand(Operand::Local(value), output)
            }
        }
    }

    fn builtin(&mut self, name: &str, args: &[Operand]) -> Local {
        let callee = ir::Callee::Builtin(self.builtin_id(name, args.len()));
        let result = self.b.local();
        self.b.emit(StmtKind::Call { callee, args: args.to_vec(), result });
        result
    }

    fn result(&mut self, value: Operand, output: Option<&Term>) -> Planned<()> {
        match (output, value) {
            (Some(output), _) => return self.unify_operand(value, output),
            (None, Operand::Bool(false)) => self.fail(),
            (None, Operand::Local(_)) => self.b.emit(StmtKind::IsTruthy { source: value }),
            (None, Operand::Bool(true) | Operand::Const(_)) => {}
        }
        Ok(())
    }
}

/// What the result of a builtin means.
enum Shape {
    /// It is the result.
    Value,
    /// There is none; the call holds.
    Void,
    /// It is the array of all results.
    Relation,
}

fn shape(name: &str) -> Shape {
    match govc_stdlib::lookup(name) {
        Some(builtin) if builtin.relation => Shape::Relation,
        Some(builtin) if builtin.result.is_none() => Shape::Void,
        _ => Shape::Value,
    }
}
