//! A plan as JSON: what `opa build -t plan` writes into `plan.json`, for evaluators that read OPA's IR.
//!
//! OPA's operands are locals, Booleans and strings; other constants become locals that are made in front of the
//! statement that reads them.

use super::{Block, Callee, Const, ConstId, Func, Local, Operand, Policy, StmtKind as S};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Where a statement comes from: file, row and column, as far as they are known.
type Place = Option<(u32, usize, usize)>;

/// What the writer asks of its caller.
pub struct PlanJson<'a> {
    /// The declaration of a builtin in the form of OPA's capabilities.
    pub declaration: &'a dyn Fn(&str) -> Value,
    /// File (as in [`Policy::files`]), row and column of a span.
    pub place: &'a dyn Fn(govc_syntax::Span) -> Place,
}

/// Writes a policy that has not been optimized.
///
/// # Errors
/// What OPA's IR cannot say, in words: `with` at a path that is found during evaluation.
pub fn to_plan_json(policy: &Policy, given: &PlanJson<'_>) -> Result<Value, String> {
    let mut writer = Writer { policy, given, strings: Vec::new(), known: HashMap::new(), next: 0 };
    let files: Vec<Value> = policy.files.iter().map(|file| json!({ "value": file })).collect();
    let mut plans = Vec::with_capacity(policy.plans.len());
    for plan in &policy.plans {
        writer.next = free_local(&plan.blocks, 2);
        plans.push(json!({ "name": plan.name, "blocks": writer.blocks(&plan.blocks)? }));
    }
    let funcs = policy.funcs.iter().map(|func| writer.func(func)).collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<&str> = policy.builtins.iter().map(|builtin| builtin.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let builtins: Vec<Value> =
        names.iter().map(|name| json!({ "name": name, "decl": (given.declaration)(name) })).collect();
    let strings: Vec<Value> = writer.strings.iter().map(|text| json!({ "value": text })).collect();
    Ok(json!({
        "static": { "strings": strings, "builtin_funcs": builtins, "files": files },
        "plans": { "plans": plans },
        "funcs": { "funcs": funcs },
    }))
}

/// The first local that blocks do not use.
fn free_local(blocks: &[Block], least: u32) -> u32 {
    let mut next = least;
    let mut work: Vec<&Block> = blocks.iter().collect();
    while let Some(block) = work.pop() {
        for stmt in &block.stmts {
            stmt.kind.targets(&mut |local| next = next.max(local.0 + 1));
            stmt.kind.reads(&mut |local| next = next.max(local.0 + 1));
            work.extend(stmt.kind.blocks());
        }
    }
    next
}

struct Writer<'a> {
    policy: &'a Policy,
    given: &'a PlanJson<'a>,
    strings: Vec<String>,
    known: HashMap<String, usize>,
    next: u32,
}

/// Statements of one block, and where they come from.
struct Lines {
    stmts: Vec<Value>,
    place: Place,
}

impl Lines {
    fn push(&mut self, kind: &str, fields: Value) {
        let mut fields = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let (file, row, col) = self.place.unwrap_or_default();
        let place: [(&str, Value); 5] = [
            ("file", file.into()),
            ("col", col.into()),
            ("row", row.into()),
            ("end_col", col.into()),
            ("end_row", row.into()),
        ];
        fields.extend(place.map(|(name, value)| (name.to_owned(), value)));
        self.stmts.push(json!({ "type": format!("{kind}Stmt"), "stmt": fields }));
    }
}

impl Writer<'_> {
    fn func(&mut self, func: &Func) -> Result<Value, String> {
        let least = func.params.iter().map(|p| p.0 + 1).max().unwrap_or(2).max(func.ret.0 + 1);
        self.next = free_local(&func.blocks, least);
        Ok(json!({
            "name": func.name,
            "params": func.params.iter().map(|p| p.0).collect::<Vec<_>>(),
            "return": func.ret.0,
            "blocks": self.blocks(&func.blocks)?,
            "path": func.path,
        }))
    }

    fn blocks(&mut self, blocks: &[Block]) -> Result<Vec<Value>, String> {
        blocks.iter().map(|block| self.block(block)).collect()
    }

    fn block(&mut self, block: &Block) -> Result<Value, String> {
        self.stmts(block, Lines { stmts: Vec::with_capacity(block.stmts.len()), place: None })
    }

    fn stmts(&mut self, block: &Block, mut lines: Lines) -> Result<Value, String> {
        for stmt in &block.stmts {
            lines.place = (self.given.place)(stmt.span);
            self.stmt(&stmt.kind, &mut lines)?;
        }
        Ok(json!({ "stmts": lines.stmts }))
    }

    fn stmt(&mut self, kind: &S, out: &mut Lines) -> Result<(), String> {
        let (name, fields) = match kind {
            S::ArrayAppend { array, value } => {
                ("ArrayAppend", json!({ "value": self.operand(value, out), "array": array.0 }))
            }
            S::AssignInt { value, target } => ("AssignInt", json!({ "value": value, "target": target.0 })),
            S::AssignVar { source, target } => ("AssignVar", self.unary(source, *target, out)),
            S::AssignVarOnce { source, target } => ("AssignVarOnce", self.unary(source, *target, out)),
            S::Block { blocks } => ("Block", json!({ "blocks": self.blocks(blocks)? })),
            S::Break { index } => ("Break", json!({ "index": index })),
            S::Call { callee, args, result } => {
                let args = self.operands(args, out);
                ("Call", json!({ "func": self.name(*callee), "args": args, "result": result.0 }))
            }
            S::CallKeyed { .. } => return Err("a document that is made for one key".to_owned()),
            S::CallDynamic { path, args, result } => {
                let path = self.operands(path, out);
                let args: Vec<u32> = args.iter().map(|arg| arg.0).collect();
                ("CallDynamic", json!({ "args": args, "result": result.0, "path": path }))
            }
            S::Dot { source, key, target } => {
                let (source, key) = (self.operand(source, out), self.operand(key, out));
                ("Dot", json!({ "source": source, "key": key, "target": target.0 }))
            }
            S::Equal { a, b } => ("Equal", self.pair(a, b, out)),
            S::NotEqual { a, b } => ("NotEqual", self.pair(a, b, out)),
            S::IsTruthy { source } => ("NotEqual", self.pair(source, &Operand::Bool(false), out)),
            S::IsArray { source } => ("IsArray", json!({ "source": self.operand(source, out) })),
            S::IsObject { source } => ("IsObject", json!({ "source": self.operand(source, out) })),
            S::IsSet { source } => ("IsSet", json!({ "source": self.operand(source, out) })),
            S::IsDefined { source } => ("IsDefined", json!({ "source": source.0 })),
            S::IsUndefined { source } => ("IsUndefined", json!({ "source": source.0 })),
            S::Len { source, target } => ("Len", self.unary(source, *target, out)),
            S::MakeArray { capacity, target } => {
                ("MakeArray", json!({ "capacity": capacity, "target": target.0 }))
            }
            S::MakeNull { target } => ("MakeNull", json!({ "target": target.0 })),
            S::MakeNumberInt { value, target } => {
                ("MakeNumberInt", json!({ "value": value, "target": target.0 }))
            }
            S::MakeNumberRef { index, target } => {
                self.make(&self.constant(*index), *target, out);
                return Ok(());
            }
            S::MakeObject { target } => ("MakeObject", json!({ "target": target.0 })),
            S::MakeSet { target } => ("MakeSet", json!({ "target": target.0 })),
            S::Nop => ("Nop", json!({})),
            S::Not { block } => ("Not", json!({ "block": self.block(block)? })),
            S::ObjectInsert { key, value, object } => ("ObjectInsert", self.insert(key, value, *object, out)),
            S::ObjectInsertOnce { key, value, object } => {
                ("ObjectInsertOnce", self.insert(key, value, *object, out))
            }
            S::ObjectMerge { a, b, target } => {
                ("ObjectMerge", json!({ "a": a.0, "b": b.0, "target": target.0 }))
            }
            S::ResetLocal { target } => ("ResetLocal", json!({ "target": target.0 })),
            S::ResultSetAdd { value } => ("ResultSetAdd", json!({ "value": value.0 })),
            S::ReturnLocal { source } => ("ReturnLocal", json!({ "source": source.0 })),
            S::Scan { source, key, value, block } => {
                let block = self.block(block)?;
                ("Scan", json!({ "source": source.0, "key": key.0, "value": value.0, "block": block }))
            }
            S::SetAdd { value, set } => {
                ("SetAdd", json!({ "value": self.operand(value, out), "set": set.0 }))
            }
            S::With { local, path, value, block } => {
                let value = self.operand(value, out);
                let path: Vec<usize> = path.iter().map(|&key| self.key(key)).collect::<Result<_, _>>()?;
                let block = self.block(block)?;
                ("With", json!({ "local": local.0, "path": path, "value": value, "block": block }))
            }
            S::WithDynamic { .. } => return Err("`with` at a path that is no constant".to_owned()),
            S::Switch { source, cases, default, blocks } => {
                ("Block", json!({ "blocks": self.switch(source, cases, default, blocks)? }))
            }
        };
        out.push(name, fields);
        Ok(())
    }

    /// OPA has no switch: each block first asks whether it is meant.
    fn switch(
        &mut self,
        source: &Operand,
        cases: &[(ConstId, Vec<u32>)],
        default: &[u32],
        blocks: &[Block],
    ) -> Result<Vec<Value>, String> {
        let mut out = Vec::new();
        for (case, chosen) in cases {
            for block in chosen.iter().filter_map(|&at| blocks.get(at as usize)) {
                out.push(self.guarded(block, |writer, lines| {
                    let pair = writer.pair(source, &Operand::Const(*case), lines);
                    lines.push("Equal", pair);
                })?);
            }
        }
        let all = Const::Set(cases.iter().map(|(case, _)| self.constant(*case)).collect());
        for block in default.iter().filter_map(|&at| blocks.get(at as usize)) {
            out.push(self.guarded(block, |writer, lines| {
                let target = writer.fresh();
                let mut among = Lines { stmts: Vec::new(), place: lines.place };
                let (all, key) =
                    (writer.constant_operand(&all, &mut among), writer.operand(source, &mut among));
                among.push("Dot", json!({ "source": all, "key": key, "target": target.0 }));
                lines.push("Not", json!({ "block": { "stmts": among.stmts } }));
            })?);
        }
        Ok(out)
    }

    /// A block behind a question.
    fn guarded(&mut self, block: &Block, guard: impl FnOnce(&mut Self, &mut Lines)) -> Result<Value, String> {
        let place = block.stmts.first().and_then(|first| (self.given.place)(first.span));
        let mut lines = Lines { stmts: Vec::new(), place };
        guard(self, &mut lines);
        self.stmts(block, lines)
    }

    fn fresh(&mut self) -> Local {
        self.next += 1;
        Local(self.next - 1)
    }

    fn unary(&mut self, source: &Operand, target: Local, out: &mut Lines) -> Value {
        json!({ "source": self.operand(source, out), "target": target.0 })
    }

    fn pair(&mut self, a: &Operand, b: &Operand, out: &mut Lines) -> Value {
        let (a, b) = (self.operand(a, out), self.operand(b, out));
        json!({ "a": a, "b": b })
    }

    fn insert(&mut self, key: &Operand, value: &Operand, object: Local, out: &mut Lines) -> Value {
        let (key, value) = (self.operand(key, out), self.operand(value, out));
        json!({ "key": key, "value": value, "object": object.0 })
    }

    fn operands(&mut self, operands: &[Operand], out: &mut Lines) -> Vec<Value> {
        operands.iter().map(|operand| self.operand(operand, out)).collect()
    }

    fn operand(&mut self, operand: &Operand, out: &mut Lines) -> Value {
        match *operand {
            Operand::Local(local) => local_operand(local),
            Operand::Bool(b) => json!({ "type": "bool", "value": b }),
            Operand::Const(id) => {
                let constant = self.constant(id);
                self.constant_operand(&constant, out)
            }
        }
    }

    fn constant(&self, id: ConstId) -> Const {
        self.policy.consts.get(id.0 as usize).cloned().unwrap_or(Const::Null)
    }

    fn constant_operand(&mut self, constant: &Const, out: &mut Lines) -> Value {
        match constant {
            Const::String(text) => json!({ "type": "string_index", "value": self.string(text) }),
            Const::Bool(b) => json!({ "type": "bool", "value": b }),
            other => {
                let target = self.fresh();
                self.make(other, target, out);
                local_operand(target)
            }
        }
    }

    /// Statements that put a constant into a local.
    fn make(&mut self, constant: &Const, target: Local, out: &mut Lines) {
        let at = target.0;
        match constant {
            Const::Null => out.push("MakeNull", json!({ "target": at })),
            Const::Number(text) => match text.parse::<i64>() {
                Ok(value) => out.push("MakeNumberInt", json!({ "value": value, "target": at })),
                Err(_) => out.push("MakeNumberRef", json!({ "Index": self.string(text), "target": at })),
            },
            Const::Bool(_) | Const::String(_) => {
                let source = self.constant_operand(constant, out);
                out.push("AssignVar", json!({ "source": source, "target": at }));
            }
            Const::Array(items) => {
                out.push("MakeArray", json!({ "capacity": items.len(), "target": at }));
                for item in items {
                    let value = self.constant_operand(item, out);
                    out.push("ArrayAppend", json!({ "value": value, "array": at }));
                }
            }
            Const::Set(items) => {
                out.push("MakeSet", json!({ "target": at }));
                for item in items {
                    let value = self.constant_operand(item, out);
                    out.push("SetAdd", json!({ "value": value, "set": at }));
                }
            }
            Const::Object(entries) => {
                out.push("MakeObject", json!({ "target": at }));
                for (key, value) in entries {
                    let key = self.constant_operand(key, out);
                    let value = self.constant_operand(value, out);
                    out.push("ObjectInsert", json!({ "key": key, "value": value, "object": at }));
                }
            }
        }
    }

    /// A key of a `with` path: OPA's IR knows strings there.
    fn key(&mut self, id: ConstId) -> Result<usize, String> {
        match self.constant(id) {
            Const::String(text) => Ok(self.string(&text)),
            other => Err(format!("`with` at the key {other}, which is no string")),
        }
    }

    fn string(&mut self, text: &str) -> usize {
        if let Some(&at) = self.known.get(text) {
            return at;
        }
        self.known.insert(text.to_owned(), self.strings.len());
        self.strings.push(text.to_owned());
        self.strings.len() - 1
    }

    fn name(&self, callee: Callee) -> &str {
        let name = match callee {
            Callee::Func(id) => self.policy.funcs.get(id.0 as usize).map(|func| &func.name),
            Callee::Builtin(id) => self.policy.builtins.get(id.0 as usize).map(|builtin| &builtin.name),
        };
        name.map_or("", String::as_str)
    }
}

fn local_operand(local: Local) -> Value {
    json!({ "type": "local", "value": local.0 })
}
