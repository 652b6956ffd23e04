//! Conflicts, dynamic calls, switches, results.

use crate::error::{CONFLICT, Evaluated};
use crate::image::dynamic_key;
use crate::machine::Machine;
use govc_value::Value;

impl<'q> Machine<'q, '_> {
    pub(crate) fn assign_once(&mut self, at: u32, dst: u32, src: u32) -> Evaluated<bool> {
        let (old, new) = (self.get(dst), self.get(src));
        if new.is_undefined() {
            return Ok(false);
        }
        if old.is_undefined() {
            self.set(dst, new);
            return Ok(true);
        }
        if old == new { Ok(true) } else { Err(self.conflict(at)) }
    }

    #[cold]
    fn conflict(&self, at: u32) -> Box<crate::EvalError> {
        let function = &self.image.program.functions[self.function as usize];
        let message = match function.params {
            0..=2 => "complete rules must not produce multiple outputs",
            _ => "functions must not produce multiple outputs for same inputs",
        };
        self.error_at(at, CONFLICT, message)
    }

    /// The function of a path in registers.
    pub(crate) fn find_dynamic(&self, path: u32) -> Option<u32> {
        let parts: Option<Vec<&str>> = self.list(path).iter().map(|&r| self.get(r).as_str()).collect();
        self.image.dynamic(&dynamic_key(parts?.into_iter()))
    }

    /// The state of a switch: the case in the upper half, the position in its list in the lower.
    #[inline]
    pub(crate) fn switch_init(&mut self, state: u32, src: u32, table: u32) {
        let case = self.image.switches[table as usize].case(&self.image.frozen, self.get(src));
        self.set(state, Value::int(i64::from(case) << 32));
    }

    #[inline]
    pub(crate) fn switch_next(&mut self, state: u32, table: u32) -> Option<u32> {
        let at = self.get(state).as_int()?;
        let (case, position) = ((at >> 32) as usize, (at & i64::from(u32::MAX)) as usize);
        let start = self.image.switches[table as usize].block(case, position)?;
        self.set(state, Value::int(at.wrapping_add(1)));
        Some(start)
    }

    pub(crate) fn result_add(&mut self, src: u32) -> bool {
        let value = self.get(src);
        if !value.is_undefined() {
            self.results.push(value);
        }
        !value.is_undefined()
    }
}
