//! Calls of builtins: who performs them, what their errors do, what is recorded.

use crate::error::Evaluated;
use crate::machine::Machine;
use crate::record::Record;
use crate::{BuiltinErrors, EvalError};
use govc_bytecode::BuiltinRef;
use govc_stdlib::{BuiltinError, Call, Context, Purity};
use govc_value::{Value, text};

/// Who performs a builtin.
pub(crate) struct Implementation {
    call: Performer,
    /// The answer depends on the outside world and is recorded.
    recorded: bool,
    /// It has no result: the call is never undefined.
    void: bool,
}

enum Performer {
    /// The standard library.
    Std(Call),
    /// The world of the query.
    World,
    /// This crate: only it knows the position of a call.
    Print,
    /// The world of the query, which is told that a place of the program is evaluated.
    Mark,
}

impl Implementation {
    pub(crate) fn find(builtin: &BuiltinRef) -> Self {
        match builtin.name.as_str() {
            "internal.print" => return Self { call: Performer::Print, recorded: false, void: true },
            "internal.mark" => return Self { call: Performer::Mark, recorded: false, void: true },
            _ => {}
        }
        match govc_stdlib::lookup(&builtin.name) {
            Some(known) => Self {
                call: known.call.map_or(Performer::World, Performer::Std),
                recorded: known.purity == Purity::Nondeterministic,
                void: known.result.is_none(),
            },
            None => Self { call: Performer::World, recorded: false, void: false },
        }
    }
}

/// Calls with more arguments than this need the heap.
const INLINE_ARGS: usize = 6;

impl<'q> Machine<'q, '_> {
    /// Calls a builtin with registers as arguments. Whether the result is defined.
    pub(crate) fn builtin(&mut self, at: u32, dst: u32, builtin: u32, args: u32) -> Evaluated<bool> {
        let list = self.list(args);
        let mut inline = [Value::UNDEFINED; INLINE_ARGS];
        let many: Vec<Value<'q>>;
        let args: &[Value<'q>] = match inline.get_mut(..list.len()) {
            Some(slots) => {
                slots.iter_mut().zip(list).for_each(|(slot, &r)| *slot = self.get(r));
                slots
            }
            None => {
                many = list.iter().map(|&r| self.get(r)).collect();
                &many
            }
        };
        if args.iter().any(|a| a.is_undefined()) {
            return Ok(self.put(dst, Value::UNDEFINED));
        }
        let image = self.image;
        let implementation = &image.builtins[builtin as usize];
        let name = image.program.builtins[builtin as usize].name.as_str();
        let answer = match implementation.recorded {
            true => self.perform_recorded(at, implementation, name, args),
            false => self.perform(at, implementation, name, args),
        };
        let value = self.settle(at, name, answer)?;
        Ok(self.put(dst, value) || implementation.void)
    }

    fn perform(
        &mut self,
        at: u32,
        implementation: &Implementation,
        name: &str,
        args: &[Value<'q>],
    ) -> Result<Value<'q>, BuiltinError> {
        match implementation.call {
            Performer::Std(call) => self.call_std(call, args),
            Performer::World => self.world.call(name, self.heap, args),
            Performer::Print => {
                self.print(at, args);
                Ok(Value::UNDEFINED)
            }
            Performer::Mark => {
                let place = args.first().and_then(|place| place.as_int());
                place
                    .and_then(|place| u32::try_from(place).ok())
                    .into_iter()
                    .for_each(|p| self.world.mark(p));
                Ok(Value::UNDEFINED)
            }
        }
    }

    /// Calls an implementation of the standard library.
    pub(crate) fn call_std(&mut self, call: Call, args: &[Value<'q>]) -> Result<Value<'q>, BuiltinError> {
        call(&mut Context { heap: self.heap, cache: &mut self.scratch.cache, world: &mut *self.world }, args)
    }

    fn perform_recorded(
        &mut self,
        at: u32,
        implementation: &Implementation,
        name: &str,
        args: &[Value<'q>],
    ) -> Result<Value<'q>, BuiltinError> {
        let (named, key) = (self.heap.string(name), Record::key(self.heap, args));
        if let Some(answer) = self.record.find(named, key) {
            return Ok(answer);
        }
        let answer = self.perform(at, implementation, name, args)?;
        self.record.add(named, key, answer);
        Ok(answer)
    }

    /// What the answer of a builtin means for the query.
    pub(crate) fn settle(
        &mut self,
        at: u32,
        name: &str,
        answer: Result<Value<'q>, BuiltinError>,
    ) -> Evaluated<Value<'q>> {
        match answer {
            Ok(value) => Ok(value),
            Err(e) => self.builtin_error(at, name, &e),
        }
    }

    #[cold]
    fn builtin_error(&mut self, at: u32, name: &str, e: &BuiltinError) -> Evaluated<Value<'q>> {
        let optional = matches!(e, BuiltinError::Type(_) | BuiltinError::Failed(_));
        if optional && self.builtin_mode == BuiltinErrors::Undefined {
            return Ok(Value::UNDEFINED);
        }
        let raised = match e {
            BuiltinError::Type(text) | BuiltinError::Failed(text) => {
                self.error_at(at, e.code(), format!("{name}: {text}"))
            }
            BuiltinError::Limit(text) => self.error_at(at, "govc_limit_memory", text.as_str()),
            _ => self.error_at(at, e.code(), e.text()),
        };
        if optional && self.builtin_mode == BuiltinErrors::Collect {
            self.collect(*raised);
            return Ok(Value::UNDEFINED);
        }
        Err(raised)
    }

    fn collect(&mut self, e: EvalError) {
        if !self.builtin_errors.contains(&e) {
            self.builtin_errors.push(e);
        }
    }

    /// Prints each combination of the operands, which are sets of at most one value or, in a loop, several;
    /// an empty one stands for an undefined operand.
    fn print(&mut self, at: u32, args: &[Value<'q>]) {
        let operands: Vec<Value<'q>> = args.iter().flat_map(|a| a.entries().map(|(_, v)| v)).collect();
        let (file, row, _) = self.location(at).unwrap_or_default();
        let mut lines = vec![String::new()];
        for operand in operands {
            let texts: Vec<String> = match operand.len() {
                0 => vec!["<undefined>".to_owned()],
                _ => operand.entries().map(|(_, v)| printed(v)).collect(),
            };
            lines = lines.iter().flat_map(|line| texts.iter().map(move |t| joined(line, t))).collect();
            lines.truncate(1 << 10);
        }
        lines.iter().for_each(|line| self.world.print(line, &file, row));
    }
}

fn joined(line: &str, text: &str) -> String {
    if line.is_empty() { text.to_owned() } else { format!("{line} {text}") }
}

/// Strings without quotes, everything else as Rego text.
fn printed(value: Value<'_>) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => {
            let mut out = String::new();
            text::write_rego(value, &mut out);
            out
        }
    }
}
