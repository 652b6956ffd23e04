//! OPA's plans: the JSON that `opa build -t plan` writes, as our IR.
//!
//! The surprising fact: OPA's function names are all that calls name, so builtins and functions are told
//! apart by looking among the functions first.

use govc_compile::ir::{
    self, Block, Builtin, BuiltinId, Callee, Const, ConstId, Func, FuncId, Local, Operand, Plan, Policy,
    Stmt, StmtKind,
};
use govc_syntax::{FileId, Span};
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::HashMap;

/// Reads a plan.
///
/// # Errors
/// When the text is no plan.
pub fn read(text: &str) -> Result<Policy, String> {
    let mut json: PolicyJson = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let mut reader = Reader::new(&json);
    let funcs = json.funcs.take().and_then(|f| f.funcs).unwrap_or_default();
    reader.funcs = funcs.iter().zip(0..).map(|(f, id)| (f.name.clone(), FuncId(id))).collect();
    let funcs = funcs.iter().map(|f| reader.func(f)).collect::<Result<_, String>>()?;
    let plans = json.plans.take().and_then(|p| p.plans).unwrap_or_default();
    let plans = plans.iter().map(|p| reader.plan(p)).collect::<Result<_, String>>()?;
    let files = json.statics.into_iter().flat_map(|s| s.files.unwrap_or_default()).map(|f| f.value).collect();
    let policy =
        Policy { consts: reader.consts, builtins: reader.builtins, files, plans, funcs, marks: Vec::new() };
    // The planner's own policies are well formed; one that comes from outside need not be.
    govc_compile::ir::check(&policy)?;
    Ok(policy)
}

/// File, row and column of a span that [`read`] made: it has no offsets, so row and column stand for them.
pub fn locate(span: Span) -> Option<(u32, u32, u32)> {
    (span.start > 0).then_some((span.file.0, span.start, span.end))
}

#[derive(Deserialize)]
struct PolicyJson {
    #[serde(rename = "static")]
    statics: Option<StaticJson>,
    plans: Option<PlansJson>,
    funcs: Option<FuncsJson>,
}

#[derive(Deserialize)]
struct StaticJson {
    strings: Option<Vec<StringJson>>,
    builtin_funcs: Option<Vec<BuiltinJson>>,
    files: Option<Vec<StringJson>>,
}

#[derive(Deserialize)]
struct StringJson {
    value: String,
}

#[derive(Deserialize)]
struct BuiltinJson {
    name: String,
}

#[derive(Deserialize)]
struct PlansJson {
    plans: Option<Vec<PlanJson>>,
}

#[derive(Deserialize)]
struct FuncsJson {
    funcs: Option<Vec<FuncJson>>,
}

#[derive(Deserialize)]
struct PlanJson {
    name: String,
    blocks: Option<Vec<BlockJson>>,
}

#[derive(Deserialize)]
struct FuncJson {
    name: String,
    path: Option<Vec<String>>,
    params: Option<Vec<u32>>,
    #[serde(rename = "return")]
    ret: u32,
    blocks: Option<Vec<BlockJson>>,
}

#[derive(Deserialize)]
struct BlockJson {
    stmts: Option<Vec<StmtJson>>,
}

#[derive(Deserialize)]
struct StmtJson {
    #[serde(rename = "type")]
    kind: String,
    stmt: Json,
}

struct Reader {
    consts: Vec<Const>,
    builtins: Vec<Builtin>,
    builtin_ids: HashMap<(String, u32), BuiltinId>,
    known: Vec<String>,
    funcs: HashMap<String, FuncId>,
    /// Locals of our own are numbered above all of OPA's.
    next_local: u32,
}

impl Reader {
    fn new(json: &PolicyJson) -> Self {
        let strings = json.statics.iter().flat_map(|s| s.strings.iter().flatten());
        let known = json.statics.iter().flat_map(|s| s.builtin_funcs.iter().flatten());
        Self {
            consts: strings.map(|s| Const::String(s.value.clone())).collect(),
            builtins: Vec::new(),
            builtin_ids: HashMap::new(),
            known: known.map(|b| b.name.clone()).collect(),
            funcs: HashMap::new(),
            next_local: 1 << 30,
        }
    }

    fn plan(&mut self, p: &PlanJson) -> Result<Plan, String> {
        Ok(Plan { name: p.name.clone(), blocks: self.blocks(p.blocks.as_deref())? })
    }

    fn func(&mut self, f: &FuncJson) -> Result<Func, String> {
        let params: Vec<Local> = f.params.iter().flatten().map(|&p| Local(p)).collect();
        Ok(Func {
            name: f.name.clone(),
            path: f.path.clone().unwrap_or_default(),
            memoize: params.len() == 2,
            params,
            ret: Local(f.ret),
            blocks: self.blocks(f.blocks.as_deref())?,
            span: Span::default(),
        })
    }

    fn blocks(&mut self, blocks: Option<&[BlockJson]>) -> Result<Vec<Block>, String> {
        blocks.unwrap_or_default().iter().map(|b| self.block(b)).collect()
    }

    fn block(&mut self, b: &BlockJson) -> Result<Block, String> {
        let stmts = b.stmts.iter().flatten();
        let mut read = Vec::new();
        for s in stmts {
            let kind = self.stmt(s)?;
            read.extend(self.expand(kind).into_iter().map(|kind| Stmt { kind, span: span(&s.stmt) }));
        }
        Ok(Block { stmts: read })
    }

    fn stmt(&mut self, s: &StmtJson) -> Result<StmtKind, String> {
        let f = Fields { json: &s.stmt, kind: &s.kind };
        Ok(match s.kind.as_str() {
            "ArrayAppendStmt" => {
                StmtKind::ArrayAppend { array: f.local("array")?, value: f.operand("value")? }
            }
            "AssignIntStmt" => StmtKind::AssignInt { value: f.int("value")?, target: f.local("target")? },
            "AssignVarStmt" => {
                StmtKind::AssignVar { source: f.operand("source")?, target: f.local("target")? }
            }
            "AssignVarOnceStmt" => {
                StmtKind::AssignVarOnce { source: f.operand("source")?, target: f.local("target")? }
            }
            "BlockStmt" => {
                let blocks: Option<Vec<BlockJson>> = f.read("blocks")?;
                StmtKind::Block { blocks: self.blocks(blocks.as_deref())? }
            }
            "BreakStmt" => StmtKind::Break { index: f.read("index")? },
            "CallStmt" => self.call(&f)?,
            "CallDynamicStmt" => StmtKind::CallDynamic {
                path: f.operands("path")?,
                args: f.read::<Option<Vec<u32>>>("args")?.into_iter().flatten().map(Local).collect(),
                result: f.local("result")?,
            },
            "DotStmt" => StmtKind::Dot {
                source: f.operand("source")?,
                key: f.operand("key")?,
                target: f.local("target")?,
            },
            "EqualStmt" => StmtKind::Equal { a: f.operand("a")?, b: f.operand("b")? },
            "NotEqualStmt" => StmtKind::NotEqual { a: f.operand("a")?, b: f.operand("b")? },
            "IsArrayStmt" => StmtKind::IsArray { source: f.operand("source")? },
            "IsObjectStmt" => StmtKind::IsObject { source: f.operand("source")? },
            "IsSetStmt" => StmtKind::IsSet { source: f.operand("source")? },
            "IsDefinedStmt" => StmtKind::IsDefined { source: f.local("source")? },
            "IsUndefinedStmt" => StmtKind::IsUndefined { source: f.local("source")? },
            "LenStmt" => StmtKind::Len { source: f.operand("source")?, target: f.local("target")? },
            "MakeArrayStmt" => StmtKind::MakeArray { capacity: 0, target: f.local("target")? },
            "MakeNullStmt" => StmtKind::MakeNull { target: f.local("target")? },
            "MakeNumberIntStmt" => {
                StmtKind::MakeNumberInt { value: f.int("value")?, target: f.local("target")? }
            }
            "MakeNumberRefStmt" => {
                StmtKind::MakeNumberRef { index: ConstId(f.read("Index")?), target: f.local("target")? }
            }
            "MakeObjectStmt" => StmtKind::MakeObject { target: f.local("target")? },
            "MakeSetStmt" => StmtKind::MakeSet { target: f.local("target")? },
            "NopStmt" => StmtKind::Nop,
            "NotStmt" => StmtKind::Not { block: self.block(&f.read("block")?)? },
            "ObjectInsertStmt" => {
                let (key, value, object) = f.insert()?;
                StmtKind::ObjectInsert { key, value, object }
            }
            "ObjectInsertOnceStmt" => {
                let (key, value, object) = f.insert()?;
                StmtKind::ObjectInsertOnce { key, value, object }
            }
            "ObjectMergeStmt" => {
                StmtKind::ObjectMerge { a: f.local("a")?, b: f.local("b")?, target: f.local("target")? }
            }
            "ResetLocalStmt" => StmtKind::ResetLocal { target: f.local("target")? },
            "ResultSetAddStmt" => StmtKind::ResultSetAdd { value: f.local("value")? },
            "ReturnLocalStmt" => StmtKind::ReturnLocal { source: f.local("source")? },
            "ScanStmt" => StmtKind::Scan {
                source: f.local("source")?,
                key: f.local("key")?,
                value: f.local("value")?,
                block: self.block(&f.read("block")?)?,
            },
            "SetAddStmt" => StmtKind::SetAdd { value: f.operand("value")?, set: f.local("set")? },
            "WithStmt" => StmtKind::With {
                local: f.local("local")?,
                path: f.read::<Option<Vec<u32>>>("path")?.into_iter().flatten().map(ConstId).collect(),
                value: f.operand("value")?,
                block: self.block(&f.read("block")?)?,
            },
            other => return Err(format!("unknown statement `{other}`")),
        })
    }

    /// OPA's plans copy undefined documents and put them back with `with`; our statements are undefined then.
    fn expand(&mut self, kind: StmtKind) -> Vec<StmtKind> {
        match kind {
            StmtKind::AssignVar { source: source @ Operand::Local(Local::INPUT | Local::DATA), target } => {
                let assign = StmtKind::AssignVar { source, target };
                vec![StmtKind::ResetLocal { target }, StmtKind::Block { blocks: vec![block([assign])] }]
            }
            StmtKind::With { local, path, value: Operand::Local(value), block: body } if path.is_empty() => {
                self.restore(local, value, body)
            }
            other => vec![other],
        }
    }

    /// `with local as value`, where the value may be undefined.
    fn restore(&mut self, local: Local, value: Local, body: Block) -> Vec<StmtKind> {
        self.next_local += 1;
        let done = Local(self.next_local);
        let finish = || StmtKind::AssignVar { source: Operand::Bool(true), target: done };
        let with = |value, block| StmtKind::With { local, path: Vec::new(), value, block };
        let mut without = block([StmtKind::ResetLocal { target: local }]);
        without.stmts.extend(body.stmts.iter().cloned());
        let defined = [StmtKind::IsDefined { source: value }, with(Operand::Local(value), body), finish()];
        let undefined =
            [StmtKind::IsUndefined { source: value }, with(Operand::Bool(false), without), finish()];
        vec![
            StmtKind::ResetLocal { target: done },
            StmtKind::Block { blocks: vec![block(defined), block(undefined)] },
            StmtKind::IsDefined { source: done },
        ]
    }

    fn call(&mut self, f: &Fields<'_>) -> Result<StmtKind, String> {
        let name: String = f.read("func")?;
        let args = f.operands("args")?;
        let callee = match self.funcs.get(&name) {
            Some(&id) => Callee::Func(id),
            None if self.known.contains(&name) => Callee::Builtin(self.builtin(name, args.len() as u32)),
            None => return Err(format!("unknown function `{name}`")),
        };
        Ok(StmtKind::Call { callee, args, result: f.local("result")? })
    }

    fn builtin(&mut self, name: String, arity: u32) -> BuiltinId {
        let builtins = &mut self.builtins;
        *self.builtin_ids.entry((name, arity)).or_insert_with_key(|(name, arity)| {
            builtins.push(Builtin { name: name.clone(), arity: *arity });
            BuiltinId(builtins.len() as u32 - 1)
        })
    }
}

/// The fields of one statement.
struct Fields<'a> {
    json: &'a Json,
    kind: &'a str,
}

impl Fields<'_> {
    fn read<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, String> {
        let field = self.json.get(name).cloned().unwrap_or(Json::Null);
        serde_json::from_value(field).map_err(|e| format!("{}.{name}: {e}", self.kind))
    }

    fn int(&self, name: &str) -> Result<i64, String> {
        self.read(name)
    }

    fn local(&self, name: &str) -> Result<Local, String> {
        self.read(name).map(Local)
    }

    fn operand(&self, name: &str) -> Result<Operand, String> {
        operand(self.json.get(name).unwrap_or(&Json::Null)).ok_or(format!("{}.{name}: no operand", self.kind))
    }

    fn operands(&self, name: &str) -> Result<Vec<Operand>, String> {
        let list: Option<Vec<Json>> = self.read(name)?;
        let one = |json: &Json| operand(json).ok_or(format!("{}.{name}: no operand", self.kind));
        list.iter().flatten().map(one).collect()
    }

    fn insert(&self) -> Result<(Operand, Operand, Local), String> {
        Ok((self.operand("key")?, self.operand("value")?, self.local("object")?))
    }
}

fn operand(json: &Json) -> Option<Operand> {
    let value = json.get("value")?;
    let index = || u32::try_from(value.as_u64()?).ok();
    match json.get("type")?.as_str()? {
        "local" => Some(ir::Operand::Local(Local(index()?))),
        "bool" => value.as_bool().map(Operand::Bool),
        "string_index" => Some(Operand::Const(ConstId(index()?))),
        _ => None,
    }
}

fn block(kinds: impl IntoIterator<Item = StmtKind>) -> Block {
    Block { stmts: kinds.into_iter().map(|kind| Stmt { kind, span: Span::default() }).collect() }
}

fn span(stmt: &Json) -> Span {
    let field = |name| stmt.get(name).and_then(Json::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    Span { file: FileId(field("file")), start: field("row"), end: field("col") }
}
