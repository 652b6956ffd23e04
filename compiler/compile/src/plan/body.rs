//! Bodies and their statements.

use super::shadow::{CalleeKey, Mock, Shadow, ShadowId};
use super::{Planned, Planner};
use crate::hir::{Body, Callee, Const, Expr, ExprKind, RefHead, Term, Var, With, WithTarget, WithValue};
use crate::ir::{Block, Local, Operand, StmtKind};

use rustc_hash::FxHashMap;

impl Planner<'_> {
    /// Statements one after the other; what follows is inside the loops that they open.
    pub(super) fn body(&mut self, body: &Body) -> Planned<()> {
        body.iter().try_for_each(|e| self.statement(e))
    }

    pub(super) fn statement(&mut self, e: &Expr) -> Planned<()> {
        let outer = std::mem::replace(&mut self.b.span, e.span);
        self.mark(e.span);
        let planned = match e.with.is_empty() {
            true => self.expr(&e.kind),
            false => self.with(e),
        };
        self.b.span = outer;
        planned
    }

    pub(super) fn expr(&mut self, kind: &ExprKind) -> Planned<()> {
        match kind {
            ExprKind::Term(t) => self.holds(t),
            ExprKind::Unify(a, b) => self.unify(a, b),
            ExprKind::Call { callee, args, output } => self.call(callee, args, output.as_ref()),
            ExprKind::Not(body) => self.not(body),
            ExprKind::Every { key, value, domain, body } => self.every(*key, *value, domain, body),
            ExprKind::Or(arms) => self.or(arms),
        }
    }

    fn holds(&mut self, term: &Term) -> Planned<()> {
        match self.term(term)? {
            Operand::Bool(false) => self.fail(),
            Operand::Local(source) => self.b.emit(StmtKind::IsTruthy { source: Operand::Local(source) }),
            Operand::Bool(true) | Operand::Const(_) => {}
        }
        Ok(())
    }

    /// A block whose bindings end with it.
    pub(super) fn scope(&mut self, write: impl FnOnce(&mut Self) -> Planned<()>) -> Planned<Block> {
        let mark = self.b.mark();
        self.b.open();
        let written = write(self);
        let block = self.b.close();
        self.b.unbind(mark);
        written.map(|()| block)
    }

    /// A block that sets `flag` and is left at its first solution.
    fn first_solution(&mut self, body: &Body, flag: Local) -> Planned<Block> {
        self.scope(|p| {
            p.body(body)?;
            p.b.emit(StmtKind::AssignVar { source: Operand::Bool(true), target: flag });
            p.leave_loops();
            Ok(())
        })
    }

    /// Leaves the innermost block of its own, if loops are open in it.
    pub(super) fn leave_loops(&mut self) {
        let index = self.b.open_scans();
        if index > 0 {
            self.b.emit(StmtKind::Break { index });
        }
    }

    /// Without loops the block itself can be negated; the end of a loop says nothing. All solutions
    /// are looked at, as OPA does: a conflict in a later one is an error.
    fn not(&mut self, body: &Body) -> Planned<()> {
        let mut loops = false;
        let flag = self.b.local();
        let block = self.scope(|p| {
            p.body(body)?;
            loops = p.b.open_scans() > 0;
            if loops {
                p.b.emit(StmtKind::AssignVar { source: Operand::Bool(true), target: flag });
            }
            Ok(())
        })?;
        if loops {
            self.b.emit(StmtKind::ResetLocal { target: flag });
            self.b.emit(StmtKind::Block { blocks: vec![block] });
            self.b.emit(StmtKind::IsUndefined { source: flag });
        } else {
            self.b.emit(StmtKind::Not { block });
        }
        Ok(())
    }

    pub(super) fn or(&mut self, arms: &[Body]) -> Planned<()> {
        let flag = self.b.local();
        self.b.emit(StmtKind::ResetLocal { target: flag });
        let mut blocks = Vec::with_capacity(arms.len());
        for (i, arm) in arms.iter().enumerate() {
            let mut block = self.first_solution(arm, flag)?;
            if i > 0 {
                let kind = StmtKind::IsUndefined { source: flag };
                block.stmts.insert(0, crate::ir::Stmt { kind, span: self.b.span });
            }
            blocks.push(block);
        }
        self.b.emit(StmtKind::Block { blocks });
        self.b.emit(StmtKind::IsDefined { source: flag });
        Ok(())
    }

    /// Looks for an element for which the body does not hold.
    fn every(&mut self, key: Option<Var>, value: Var, domain: &Term, body: &Body) -> Planned<()> {
        let domain = self.term(domain)?;
        let domain = self.in_local(domain);
        self.is_collection(domain);
        let (failed, held) = (self.b.local(), self.b.local());
        self.b.emit(StmtKind::ResetLocal { target: failed });
        let block = self.scope(|p| {
            let (k, v) = p.b.scan(domain);
            if let Some(key) = key {
                p.bind(key, Operand::Local(k));
            }
            p.bind(value, Operand::Local(v));
            p.b.emit(StmtKind::ResetLocal { target: held });
            let inner = p.first_solution(body, held)?;
            p.b.emit(StmtKind::Block { blocks: vec![inner] });
            p.b.emit(StmtKind::IsUndefined { source: held });
            p.b.emit(StmtKind::AssignVar { source: Operand::Bool(true), target: failed });
            p.leave_loops();
            Ok(())
        })?;
        self.b.emit(StmtKind::Block { blocks: vec![block] });
        self.b.emit(StmtKind::IsUndefined { source: failed });
        Ok(())
    }

    /// Undefined unless an array, object or set.
    fn is_collection(&mut self, local: Local) {
        let source = Operand::Local(local);
        let flag = self.b.local();
        self.b.emit(StmtKind::ResetLocal { target: flag });
        let tests = [StmtKind::IsArray { source }, StmtKind::IsObject { source }, StmtKind::IsSet { source }];
        let blocks = tests.into_iter().map(|test| {
            self.b.open();
            self.b.emit(test);
            self.b.emit(StmtKind::AssignVar { source: Operand::Bool(true), target: flag });
            self.b.close()
        });
        let blocks = blocks.collect();
        self.b.emit(StmtKind::Block { blocks });
        self.b.emit(StmtKind::IsDefined { source: flag });
    }

    /// The replacements hold for the statement only, so its solutions are taken out of their block:
    /// the only one as it is, several as an array of rows that the rest of the body loops over.
    fn with(&mut self, e: &Expr) -> Planned<()> {
        let mut values = Vec::with_capacity(e.with.len());
        for with in &e.with {
            values.push(self.with_value(with)?);
        }
        let mark = self.b.mark();
        let rows = self.b.local();
        let (outer, mocks) = self.enter_shadow(&e.with, &values);
        self.b.open();
        let planned = self.expr(&e.kind);
        let vars = self.b.bound_since(mark);
        let several = self.b.open_scans() > 0;
        if several {
            let row: Vec<Operand> = vars.iter().filter_map(|&v| self.b.value(v)).collect();
            let row = self.make_array(&row);
            self.b.emit(StmtKind::ArrayAppend { array: rows, value: Operand::Local(row) });
        }
        let block = self.b.close();
        (self.b.shadow, self.b.mocks) = (outer, mocks);
        planned?;
        if several {
            self.b.emit(StmtKind::MakeArray { capacity: 0, target: rows });
        }
        self.replace(&e.with, &values, block)?;
        if several {
            self.b.unbind(mark);
            self.loop_over_rows(rows, &vars);
        }
        Ok(())
    }

    /// Binds variables to the columns of each row.
    pub(super) fn loop_over_rows(&mut self, rows: Local, vars: &[Var]) {
        let (_, row) = self.b.scan(rows);
        for (i, &var) in vars.iter().enumerate() {
            let value = self.column(row, i);
            self.b.bind(var, value);
        }
    }

    /// One element of an array that this function has made.
    pub(super) fn column(&mut self, row: Local, at: usize) -> Operand {
        let key = self.constant(crate::ir::Const::Number(at.to_string()));
        let target = self.b.local();
        self.b.emit(StmtKind::Dot { source: Operand::Local(row), key, target });
        Operand::Local(target)
    }

    /// Values are found outside the replacements. One that is `input` or `data` itself is copied.
    fn with_value(&mut self, with: &With) -> Planned<Option<Operand>> {
        match &with.value {
            WithValue::Term(_) if mock_document(with).is_some() => Ok(None),
            WithValue::Term(term) => Ok(Some(self.term(term)?)),
            WithValue::Function(_) => Ok(None),
        }
    }

    /// Puts the replacements of documents and functions that concern planning in force.
    fn enter_shadow(
        &mut self,
        with: &[With],
        values: &[Option<Operand>],
    ) -> (ShadowId, FxHashMap<CalleeKey, Operand>) {
        let before = (self.b.shadow, self.b.mocks.clone());
        let mut shadow = Shadow::clone(&self.shadows.get(self.b.shadow));
        for (with, value) in with.iter().zip(values) {
            match &with.target {
                WithTarget::Input(_) => {}
                WithTarget::Data(path) => shadow.nodes.extend(self.shadowed_node(path)),
                WithTarget::Function(callee) => self.mock(&mut shadow, callee, with, *value),
            }
        }
        self.b.shadow = self.shadows.intern(shadow);
        before
    }

    fn shadowed_node(&self, path: &[Term]) -> Option<super::trie::NodeId> {
        let keys: Option<Vec<&str>> = path.iter().map(key_text).collect();
        self.trie.find(keys?)
    }

    fn mock(&mut self, shadow: &mut Shadow, callee: &Callee, with: &With, value: Option<Operand>) {
        let key = CalleeKey::from(callee);
        let mock = match (&with.value, value) {
            (WithValue::Function(other), _) => Mock::Function(other.clone()),
            (WithValue::Term(_), Some(value)) => {
                self.b.mocks.insert(key.clone(), value);
                Mock::Value
            }
            (WithValue::Term(_), None) => Mock::Document(mock_document(with).unwrap_or_default()),
        };
        shadow.mocks.insert(key, mock);
    }

    /// Wraps a block in the replacements of documents, the first one outermost.
    fn replace(&mut self, with: &[With], values: &[Option<Operand>], block: Block) -> Planned<()> {
        let mut replaced = Vec::new();
        for (with, value) in with.iter().zip(values) {
            let (local, path) = match &with.target {
                WithTarget::Input(path) => (Local::INPUT, path),
                WithTarget::Data(path) => (Local::DATA, path),
                WithTarget::Function(_) => continue,
            };
            let Some(value) = *value else { continue };
            replaced.push((local, self.terms(path)?, value));
        }
        if replaced.is_empty() {
            return self.splice(block);
        }
        let mut block = block;
        while let Some((local, path, value)) = replaced.pop() {
            let constants: Option<Vec<_>> = path.iter().map(|o| constant_id(*o)).collect();
            let kind = match constants {
                Some(path) => StmtKind::With { local, path, value, block },
                None => StmtKind::WithDynamic { local, path, value, block },
            };
            if replaced.is_empty() {
                self.b.emit(kind);
                return Ok(());
            }
            block = Block { stmts: vec![crate::ir::Stmt { kind, span: self.b.span }] };
        }
        Ok(())
    }

    /// Only functions are replaced: nothing changes at run time.
    fn splice(&mut self, block: Block) -> Planned<()> {
        let span = self.b.span;
        for stmt in block.stmts {
            self.b.span = stmt.span;
            self.b.emit(stmt.kind);
        }
        self.b.span = span;
        Ok(())
    }
}

/// The document that stands in place of a function: a reference that the front end has left as it is.
fn mock_document(with: &With) -> Option<Vec<Const>> {
    let (WithTarget::Function(_), WithValue::Term(Term::Ref(r))) = (&with.target, &with.value) else {
        return None;
    };
    let steps = r.steps.iter().map(|step| step.as_const().cloned());
    steps.collect::<Option<_>>().filter(|_| r.head == RefHead::Data)
}

fn key_text(term: &Term) -> Option<&str> {
    match term {
        Term::Const(Const::String(text)) => Some(text),
        _ => None,
    }
}

fn constant_id(operand: Operand) -> Option<crate::ir::ConstId> {
    match operand {
        Operand::Const(id) => Some(id),
        Operand::Local(_) | Operand::Bool(_) => None,
    }
}
