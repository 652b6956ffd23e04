//! Calls. Operators and the cheapest builtins are instructions of their own.

use super::function::{Emit, FunctionEmitter, Label};
use crate::ir::{Callee, FuncId, Local, Operand};
use govc_bytecode::Op;

impl FunctionEmitter<'_, '_> {
    pub(super) fn call(&mut self, callee: Callee, args: &[Operand], result: Local) -> Emit<()> {
        match callee {
            Callee::Func(func) => self.call_function(func, args, result),
            Callee::Builtin(id) => {
                let policy = self.out.policy;
                let name = policy.builtins.get(id.0 as usize).ok_or("no such builtin")?.name.as_str();
                let args = self.arguments(args)?;
                let fail = self.fail()?;
                if let Some(op) = operator(name, &args, fail) {
                    return self.write(result, op);
                }
                let args = self.out.list(args);
                self.write(result, |dst| Op::Builtin { dst, builtin: id.0, args, fail })
            }
        }
    }

    fn arguments(&mut self, args: &[Operand]) -> Emit<Vec<u32>> {
        args.iter().map(|&a| self.operand(a)).collect()
    }

    fn call_function(&mut self, func: FuncId, args: &[Operand], result: Local) -> Emit<()> {
        let policy = self.out.policy;
        policy.funcs.get(func.0 as usize).ok_or("no such function")?;
        let args = self.arguments(args)?;
        let fail = self.fail()?;
        if args == [0, 1] {
            return self.write(result, |dst| Op::CallRule { dst, func: func.0, fail });
        }
        let args = self.out.list(args);
        self.write(result, |dst| Op::Call { dst, func: func.0, args, fail })
    }

    pub(super) fn call_keyed(
        &mut self,
        whole: FuncId,
        keyed: FuncId,
        args: &[Operand],
        result: Local,
    ) -> Emit<()> {
        let args = self.arguments(args)?;
        let (args, fail) = (self.out.list(args), self.fail()?);
        self.write(result, |dst| Op::CallKeyed { dst, func: whole.0, keyed: keyed.0, args, fail })
    }

    pub(super) fn call_dynamic(&mut self, path: &[Operand], args: &[Local], result: Local) -> Emit<()> {
        let path = self.arguments(path)?;
        let args = args.iter().map(|&a| self.value(a)).collect::<Emit<Vec<u32>>>()?;
        let (path, args, fail) = (self.out.list(path), self.out.list(args), self.fail()?);
        self.write(result, |dst| Op::CallDynamic { dst, path, args, fail })
    }
}

/// The instruction of a builtin that has one.
fn operator(name: &str, args: &[u32], fail: Label) -> Option<impl FnOnce(u32) -> Op + use<>> {
    let make: fn(u32, u32, u32, Label) -> Op = match name {
        "plus" => |dst, a, b, fail| Op::Add { dst, a, b, fail },
        "minus" => |dst, a, b, fail| Op::Sub { dst, a, b, fail },
        "mul" => |dst, a, b, fail| Op::Mul { dst, a, b, fail },
        "div" => |dst, a, b, fail| Op::Div { dst, a, b, fail },
        "rem" => |dst, a, b, fail| Op::Rem { dst, a, b, fail },
        "eq" | "equal" => |dst, a, b, fail| Op::ValueEqual { dst, a, b, fail },
        "neq" => |dst, a, b, fail| Op::ValueNotEqual { dst, a, b, fail },
        "lt" => |dst, a, b, fail| Op::ValueLess { dst, a, b, fail },
        "lte" => |dst, a, b, fail| Op::ValueLessEqual { dst, a, b, fail },
        "gt" => |dst, a, b, fail| Op::ValueLess { dst, a: b, b: a, fail },
        "gte" => |dst, a, b, fail| Op::ValueLessEqual { dst, a: b, b: a, fail },
        "internal.member_2" => |dst, a, b, fail| Op::ValueMember { dst, a, b, fail },
        "count" => |dst, a, _, fail| Op::Count { dst, src: a, fail },
        _ => return None,
    };
    let (a, b) = match *args {
        [a] if name == "count" => (a, a),
        [a, b] if name != "count" => (a, b),
        _ => return None,
    };
    Some(move |dst| make(dst, a, b, fail))
}

/// The test that stands for an operator whose Boolean result is only tested.
pub(super) fn comparison(name: &str) -> Option<fn(u32, u32, Label) -> Op> {
    Some(match name {
        "eq" | "equal" => |a, b, fail| Op::Equal { a, b, fail },
        "neq" => |a, b, fail| Op::NotEqual { a, b, fail },
        "lt" => |a, b, fail| Op::Less { a, b, fail },
        "lte" => |a, b, fail| Op::LessEqual { a, b, fail },
        "gt" => |a, b, fail| Op::Less { a: b, b: a, fail },
        "gte" => |a, b, fail| Op::LessEqual { a: b, b: a, fail },
        "internal.member_2" => |a, b, fail| Op::Member { a, b, fail },
        _ => return None,
    })
}
