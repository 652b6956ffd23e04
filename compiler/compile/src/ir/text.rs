//! The text form of IR, for people and snapshots: one statement a line, blocks indented.
//!
//! Locals 0 and 1 print as `input` and `data`; constants print as Rego, so that no table is needed to read it.

use super::{Block, Callee, Const, ConstId, Func, Local, Operand, Plan, Policy, Stmt, StmtKind};
use std::fmt::{self, Display, Formatter, Write};

impl Display for Policy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut text = Text { policy: self, out: String::new(), indent: 0 };
        self.plans.iter().for_each(|p| text.plan(p));
        self.funcs.iter().enumerate().for_each(|(i, func)| text.func(i, func));
        f.write_str(&text.out)
    }
}

impl Display for Local {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Local::INPUT => f.write_str("input"),
            Local::DATA => f.write_str("data"),
            Local(n) => write!(f, "l{n}"),
        }
    }
}

impl Display for Const {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Const::Null => f.write_str("null"),
            Const::Bool(b) => write!(f, "{b}"),
            Const::Number(text) => f.write_str(text),
            Const::String(text) => write!(f, "{text:?}"),
            Const::Array(items) => list(f, "[", items, "]"),
            Const::Set(items) if items.is_empty() => f.write_str("set()"),
            Const::Set(items) => list(f, "{", items, "}"),
            Const::Object(pairs) => {
                f.write_char('{')?;
                for (i, (k, v)) in pairs.iter().enumerate() {
                    write!(f, "{}{k}: {v}", if i == 0 { "" } else { ", " })?;
                }
                f.write_char('}')
            }
        }
    }
}

fn list(f: &mut Formatter<'_>, open: &str, items: &[Const], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (i, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
    }
    f.write_str(close)
}

struct Text<'p> {
    policy: &'p Policy,
    out: String,
    indent: usize,
}

impl Text<'_> {
    fn line(&mut self, text: &str) {
        (0..self.indent).for_each(|_| self.out.push_str("  "));
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn plan(&mut self, plan: &Plan) {
        self.line(&format!("plan {:?}", plan.name));
        self.blocks(&plan.blocks);
        self.out.push('\n');
    }

    fn func(&mut self, id: usize, func: &Func) {
        let params: Vec<String> = func.params.iter().map(Local::to_string).collect();
        let memo = if func.memoize { " memo" } else { "" };
        self.line(&format!("func #{id} {}({}) -> {}{memo}", func.name, params.join(", "), func.ret));
        self.blocks(&func.blocks);
        self.out.push('\n');
    }

    fn blocks(&mut self, blocks: &[Block]) {
        self.indent += 1;
        for block in blocks {
            self.line("block");
            self.block(block);
        }
        self.indent -= 1;
    }

    fn block(&mut self, block: &Block) {
        self.indent += 1;
        block.stmts.iter().for_each(|s| self.stmt(s));
        self.indent -= 1;
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let head = self.head(&stmt.kind);
        self.line(&head);
        match &stmt.kind {
            StmtKind::Block { blocks } | StmtKind::Switch { blocks, .. } => self.blocks(blocks),
            StmtKind::Not { block }
            | StmtKind::Scan { block, .. }
            | StmtKind::With { block, .. }
            | StmtKind::WithDynamic { block, .. } => self.block(block),
            _ => {}
        }
    }

    fn head(&self, kind: &StmtKind) -> String {
        use StmtKind as S;
        match kind {
            S::ArrayAppend { array, value } => format!("{array}.append({})", self.op(*value)),
            S::AssignInt { value, target } | S::MakeNumberInt { value, target } => {
                format!("{target} = {value}")
            }
            S::AssignVar { source, target } => format!("{target} = {}", self.op(*source)),
            S::AssignVarOnce { source, target } => format!("once {target} = {}", self.op(*source)),
            S::Block { .. } => "blocks".to_owned(),
            S::Break { index } => format!("break {index}"),
            S::Call { callee, args, result } => {
                format!("{result} = {}({})", self.callee(*callee), self.ops(args))
            }
            S::CallKeyed { whole, keyed, args, result } => {
                let [whole, keyed] = [*whole, *keyed].map(|id| self.callee(Callee::Func(id)));
                format!("{result} = {whole} or {keyed}({})", self.ops(args))
            }
            S::CallDynamic { path, args, result } => {
                let args: Vec<String> = args.iter().map(Local::to_string).collect();
                format!("{result} = call [{}]({})", self.ops(path), args.join(", "))
            }
            S::Dot { source, key, target } => format!("{target} = {}[{}]", self.op(*source), self.op(*key)),
            S::Equal { a, b } => format!("{} == {}", self.op(*a), self.op(*b)),
            S::NotEqual { a, b } => format!("{} != {}", self.op(*a), self.op(*b)),
            S::IsArray { source } => format!("array? {}", self.op(*source)),
            S::IsObject { source } => format!("object? {}", self.op(*source)),
            S::IsSet { source } => format!("set? {}", self.op(*source)),
            S::IsDefined { source } => format!("defined? {source}"),
            S::IsUndefined { source } => format!("undefined? {source}"),
            S::IsTruthy { source } => format!("true? {}", self.op(*source)),
            S::Len { source, target } => format!("{target} = len {}", self.op(*source)),
            S::MakeArray { target, .. } => format!("{target} = []"),
            S::MakeNull { target } => format!("{target} = null"),
            S::MakeNumberRef { index, target } => format!("{target} = {}", self.constant(*index)),
            S::MakeObject { target } => format!("{target} = {{}}"),
            S::MakeSet { target } => format!("{target} = set()"),
            S::Nop => "nop".to_owned(),
            S::Not { .. } => "not".to_owned(),
            S::ObjectInsert { key, value, object } => {
                format!("{object}[{}] = {}", self.op(*key), self.op(*value))
            }
            S::ObjectInsertOnce { key, value, object } => {
                format!("once {object}[{}] = {}", self.op(*key), self.op(*value))
            }
            S::ObjectMerge { a, b, target } => format!("{target} = merge({a}, {b})"),
            S::ResetLocal { target } => format!("{target} = undefined"),
            S::ResultSetAdd { value } => format!("result {value}"),
            S::ReturnLocal { source } => format!("return {source}"),
            S::Scan { source, key, value, .. } => format!("scan {source} as {key}, {value}"),
            S::SetAdd { value, set } => format!("{set}.add({})", self.op(*value)),
            S::With { local, path, value, .. } => {
                let path: Vec<String> = path.iter().map(|c| self.constant(*c)).collect();
                format!("with {local}[{}] = {}", path.join(", "), self.op(*value))
            }
            S::WithDynamic { local, path, value, .. } => {
                format!("with {local}[{}] = {}", self.ops(path), self.op(*value))
            }
            S::Switch { source, cases, default, .. } => self.switch(*source, cases, default),
        }
    }

    fn switch(&self, source: Operand, cases: &[(ConstId, Vec<u32>)], default: &[u32]) -> String {
        let mut text = format!("switch {}", self.op(source));
        for (value, blocks) in cases {
            text += &format!(" {}: {blocks:?},", self.constant(*value));
        }
        text + &format!(" else {default:?}")
    }

    fn callee(&self, callee: Callee) -> String {
        match callee {
            Callee::Func(id) => {
                let name = self.policy.funcs.get(id.0 as usize).map_or("?", |f| f.name.as_str());
                format!("#{} {name}", id.0)
            }
            Callee::Builtin(id) => {
                self.policy.builtins.get(id.0 as usize).map_or_else(|| "?".to_owned(), |b| b.name.clone())
            }
        }
    }

    fn op(&self, operand: Operand) -> String {
        match operand {
            Operand::Local(local) => local.to_string(),
            Operand::Bool(b) => b.to_string(),
            Operand::Const(id) => self.constant(id),
        }
    }

    fn ops(&self, operands: &[Operand]) -> String {
        operands.iter().map(|o| self.op(*o)).collect::<Vec<_>>().join(", ")
    }

    fn constant(&self, id: ConstId) -> String {
        self.policy.consts.get(id.0 as usize).map_or_else(|| format!("?{}", id.0), Const::to_string)
    }
}
