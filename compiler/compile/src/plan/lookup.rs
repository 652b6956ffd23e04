//! Functions that are made for references and extents: what lies below a node, with base documents.

use super::trie::{GroupKind, NodeId};
use super::{FuncKey, Planned, Planner, ShadowId};
use crate::hir::Const;
use crate::ir::{self, Block, Func, Local, Operand, StmtKind};
use govc_syntax::Span;

/// The document of the engine itself. OPA leaves it out where all of `data` is asked for as one value.
const HIDDEN: &str = "system";

/// A step of a reference as a lookup function sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// A constant.
    Const(Const),
    /// A parameter.
    Bound,
    /// A column of the rows that the function returns.
    Free,
}

/// A lookup function that is being written: what is left of its steps.
#[derive(Clone, Copy)]
struct Rest<'s> {
    shapes: &'s [Shape],
    /// Parameters for the [`Shape::Bound`] steps that are left.
    params: &'s [Local],
}

impl Planner<'_> {
    /// The object of all virtual documents below a node, without base documents. Functions are no documents.
    pub(super) fn virtual_extent(&mut self, node: NodeId, shadow: ShadowId) -> Planned<Func> {
        let (params, ret) = self.start(0, 0, Span::default(), shadow);
        self.b.open();
        self.b.emit(StmtKind::MakeObject { target: ret });
        let children: Vec<_> = self.trie.node(node).children.iter().map(|(k, n)| (k.clone(), *n)).collect();
        let replaced = self.shadows.get(shadow);
        for (key, child) in children {
            let key_func = match self.trie.node(child).group {
                _ if replaced.nodes.contains(&child) => continue,
                _ if node == self.trie.root() && key == HIDDEN => continue,
                Some(g) if matches!(self.trie.group(g).kind, GroupKind::Function(_)) => continue,
                Some(g) => FuncKey::Group(g),
                None => FuncKey::Virtual(child),
            };
            let block = self.scope(|p| {
                let value = Operand::Local(p.call_func(key_func, shadow, &[])?);
                let key = p.string(&key);
                p.b.emit(StmtKind::ObjectInsert { key, value, object: ret });
                Ok(())
            })?;
            self.b.emit(StmtKind::Block { blocks: vec![block] });
        }
        self.b.emit(StmtKind::ReturnLocal { source: ret });
        let block = self.b.close();
        Ok(self.made(node, "virtual", params, ret, block, true))
    }

    /// The virtual documents below a node merged with the base documents there.
    pub(super) fn extent(&mut self, node: NodeId, shadow: ShadowId) -> Planned<Func> {
        let (params, ret) = self.start(0, 0, Span::default(), shadow);
        self.b.open();
        let rules = self.call_func(FuncKey::Virtual(node), shadow, &[])?;
        let merged = self.scope(|p| {
            let base = match node == p.trie.root() {
                true => p.shown_base()?,
                false => {
                    let base = p.base_at(node);
                    p.in_local(base)
                }
            };
            p.b.emit(StmtKind::ObjectMerge { a: base, b: rules, target: ret });
            p.b.emit(StmtKind::ReturnLocal { source: ret });
            Ok(())
        })?;
        self.b.emit(StmtKind::Block { blocks: vec![merged] });
        self.b.emit(StmtKind::ReturnLocal { source: rules });
        let block = self.b.close();
        Ok(self.made(node, "extent", params, ret, block, true))
    }

    /// All base documents but the hidden one.
    fn shown_base(&mut self) -> Planned<Local> {
        let shown = self.b.local();
        self.b.emit(StmtKind::MakeObject { target: shown });
        let members = self.scope(|p| {
            let (key, value) = p.b.scan(Local::DATA);
            let (key, value) = (Operand::Local(key), Operand::Local(value));
            let hidden = p.string(HIDDEN);
            p.b.emit(StmtKind::NotEqual { a: key, b: hidden });
            p.b.emit(StmtKind::ObjectInsert { key, value, object: shown });
            Ok(())
        })?;
        self.b.emit(StmtKind::Block { blocks: vec![members] });
        Ok(shown)
    }

    /// The base document at a node.
    fn base_at(&mut self, node: NodeId) -> Operand {
        let path = self.trie.node(node).path.clone();
        path.iter().fold(Operand::Local(Local::DATA), |at, key| {
            let key = self.string(key);
            self.dot(at, key)
        })
    }

    /// What a reference gives below a node: its value, or the array of rows `[free steps..., value]`.
    pub(super) fn lookup(&mut self, node: NodeId, shapes: &[Shape], shadow: ShadowId) -> Planned<Func> {
        let args = shapes.iter().filter(|s| **s == Shape::Bound).count();
        let rows = shapes.contains(&Shape::Free);
        let (params, ret) = self.start(args, 0, Span::default(), shadow);
        self.b.open();
        self.b.emit(match rows {
            true => StmtKind::MakeArray { capacity: 0, target: ret },
            false => StmtKind::ResetLocal { target: ret },
        });
        let rest = Rest { shapes, params: params.get(2..2 + args).unwrap_or_default() };
        let base = self.base_block(node)?;
        self.below(node, base, rest, &mut Vec::new(), (rows, ret))?;
        self.b.emit(StmtKind::ReturnLocal { source: ret });
        let block = self.b.close();
        let memoize = params.len() == 2;
        Ok(self.made(node, "lookup", params, ret, block, memoize))
    }

    /// A local that holds the base document at a node, or is undefined.
    fn base_block(&mut self, node: NodeId) -> Planned<Local> {
        let base = self.b.local();
        let block = self.scope(|p| {
            let source = p.base_at(node);
            p.b.emit(StmtKind::AssignVar { source, target: base });
            Ok(())
        })?;
        self.b.emit(StmtKind::ResetLocal { target: base });
        self.b.emit(StmtKind::Block { blocks: vec![block] });
        Ok(base)
    }

    /// Writes what the rest of the steps gives at a node. `base` may be undefined.
    fn below(
        &mut self,
        node: NodeId,
        base: Local,
        rest: Rest<'_>,
        keys: &mut Vec<Operand>,
        out: (bool, Local),
    ) -> Planned<()> {
        let replaced = self.shadows.get(self.b.shadow).nodes.contains(&node);
        if let (Some(group), false) = (self.trie.node(node).group, replaced) {
            if let GroupKind::Function(_) = self.trie.group(group).kind {
                return Ok(());
            }
            return self.alternative(|p| {
                let asked = p.asked_keys(group, rest.shapes, rest.params);
                let value = p.document(group, &asked)?;
                p.plain(Operand::Local(value), rest, keys, out)
            });
        }
        if replaced {
            return self.alternative(|p| p.plain(Operand::Local(base), rest, keys, out));
        }
        let Some((shape, shapes)) = rest.shapes.split_first() else {
            return self.alternative(|p| {
                let value = p.call_func(FuncKey::Extent(node), p.b.shadow, &[])?;
                p.found(Operand::Local(value), keys, out);
                Ok(())
            });
        };
        match shape {
            Shape::Const(c) => {
                let rest = Rest { shapes, ..rest };
                self.constant_child(node, base, c, rest, keys, out)
            }
            Shape::Bound => {
                let Some((&param, params)) = rest.params.split_first() else { return Ok(()) };
                self.bound_child(node, base, param, Rest { shapes, params }, keys, out)
            }
            Shape::Free => self.each_child(node, base, Rest { shapes, ..rest }, keys, out),
        }
    }

    fn constant_child(
        &mut self,
        node: NodeId,
        base: Local,
        key: &Const,
        rest: Rest<'_>,
        keys: &mut Vec<Operand>,
        out: (bool, Local),
    ) -> Planned<()> {
        let child = match key {
            Const::String(text) => self.trie.child(node, text),
            _ => None,
        };
        let key = self.constant(super::term::scalar(key));
        match child {
            Some(child) => {
                let base = self.child_base(child, base, key);
                self.below(child, base, rest, keys, out)
            }
            None => self.alternative(|p| {
                let value = p.dot(Operand::Local(base), key);
                p.plain(value, rest, keys, out)
            }),
        }
    }

    /// The base document of a child, or undefined. Rules hide theirs.
    fn child_base(&mut self, child: NodeId, base: Local, key: Operand) -> Local {
        let replaced = self.shadows.get(self.b.shadow).nodes.contains(&child);
        if self.trie.node(child).group.is_some() && !replaced {
            return base;
        }
        let target = self.b.local();
        self.b.emit(StmtKind::ResetLocal { target });
        self.b.open();
        self.b.emit(StmtKind::Dot { source: Operand::Local(base), key, target });
        let block = self.b.close();
        self.b.emit(StmtKind::Block { blocks: vec![block] });
        target
    }

    /// Chooses the child by the value of a parameter.
    fn bound_child(
        &mut self,
        node: NodeId,
        base: Local,
        param: Local,
        rest: Rest<'_>,
        keys: &mut Vec<Operand>,
        out: (bool, Local),
    ) -> Planned<()> {
        let children: Vec<_> = self.trie.node(node).children.iter().map(|(k, n)| (k.clone(), *n)).collect();
        let mut blocks = Vec::with_capacity(children.len() + 1);
        let mut cases = Vec::with_capacity(children.len());
        for (i, (key, child)) in children.into_iter().enumerate() {
            cases.push((self.const_id(ir::Const::String(key.clone())), vec![i as u32]));
            let key = self.string(&key);
            blocks.push(self.scope(|p| {
                let base = p.child_base(child, base, key);
                p.below(child, base, rest, keys, out)
            })?);
        }
        let default = vec![blocks.len() as u32];
        blocks.push(self.scope(|p| {
            let value = p.dot(Operand::Local(base), Operand::Local(param));
            p.plain(value, rest, keys, out)
        })?);
        self.b.emit(StmtKind::Switch { source: Operand::Local(param), cases, default, blocks });
        Ok(())
    }

    /// Goes through all children, and then the base documents that no child hides.
    fn each_child(
        &mut self,
        node: NodeId,
        base: Local,
        rest: Rest<'_>,
        keys: &mut Vec<Operand>,
        out: (bool, Local),
    ) -> Planned<()> {
        let children: Vec<_> = self.trie.node(node).children.iter().map(|(k, n)| (k.clone(), *n)).collect();
        let names = children.iter().map(|(k, _)| ir::Const::String(k.clone())).collect();
        let names = self.constant(ir::Const::Set(names));
        let only_base = self.scope(|p| {
            let (key, value) = p.b.scan(base);
            let hidden = p.scope(|p| {
                p.dot(names, Operand::Local(key));
                Ok(())
            })?;
            p.b.emit(StmtKind::Not { block: hidden });
            keys.push(Operand::Local(key));
            let planned = p.plain(Operand::Local(value), rest, keys, out);
            keys.pop();
            planned
        })?;
        self.b.emit(StmtKind::Block { blocks: vec![only_base] });
        for (key, child) in children {
            let key = self.string(&key);
            let block = self.scope(|p| {
                let base = p.child_base(child, base, key);
                keys.push(key);
                let planned = p.below(child, base, rest, keys, out);
                keys.pop();
                planned
            })?;
            self.b.emit(StmtKind::Block { blocks: vec![block] });
        }
        Ok(())
    }

    /// Steps into a value that holds no rules.
    fn plain(
        &mut self,
        value: Operand,
        rest: Rest<'_>,
        keys: &mut Vec<Operand>,
        out: (bool, Local),
    ) -> Planned<()> {
        let before = keys.len();
        let mut params = rest.params.iter();
        let mut at = value;
        for shape in rest.shapes {
            at = match shape {
                Shape::Const(c) => {
                    let key = self.constant(super::term::scalar(c));
                    self.dot(at, key)
                }
                Shape::Bound => match params.next() {
                    Some(&param) => self.dot(at, Operand::Local(param)),
                    None => at,
                },
                Shape::Free => {
                    let source = self.in_local(at);
                    let (key, value) = self.b.scan(source);
                    keys.push(Operand::Local(key));
                    Operand::Local(value)
                }
            };
        }
        self.found(at, keys, out);
        keys.truncate(before);
        Ok(())
    }

    /// Adds a row, or sets the result.
    fn found(&mut self, value: Operand, keys: &[Operand], (rows, ret): (bool, Local)) {
        if !rows {
            self.b.emit(StmtKind::AssignVar { source: value, target: ret });
            return;
        }
        let mut row = keys.to_vec();
        row.push(value);
        let row = self.make_array(&row);
        self.b.emit(StmtKind::ArrayAppend { array: ret, value: Operand::Local(row) });
    }

    fn alternative(&mut self, write: impl FnOnce(&mut Self) -> Planned<()>) -> Planned<()> {
        let block = self.scope(write)?;
        self.b.emit(StmtKind::Block { blocks: vec![block] });
        Ok(())
    }

    fn made(
        &self,
        node: NodeId,
        what: &str,
        params: Vec<Local>,
        ret: Local,
        block: Block,
        memoize: bool,
    ) -> Func {
        let path = self.trie.node(node).path.join(".");
        let name = format!("g{}.{what}.{path}", self.b.shadow.0);
        let memoize = memoize && params.len() == 2;
        Func { name, path: Vec::new(), params, ret, blocks: vec![block], memoize, span: Span::default() }
    }
}
