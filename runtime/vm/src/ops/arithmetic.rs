//! Operators on numbers: small integers here, everything else in the standard library.

use crate::error::Evaluated;
use crate::machine::Machine;
use govc_stdlib::{BuiltinError, Call};
use govc_value::{Number, Value};

/// The integer, if the value is stored as one.
#[inline]
fn small(value: Value<'_>) -> Option<i64> {
    match value.as_number() {
        Some(Number::Int(i)) => Some(i),
        _ => None,
    }
}

impl<'q> Machine<'q, '_> {
    #[inline]
    pub(crate) fn add(&mut self, at: u32, dst: u32, a: u32, b: u32) -> Evaluated<bool> {
        self.operate(at, dst, (a, b), i64::checked_add, ("plus", self.image.operators.add))
    }

    #[inline]
    pub(crate) fn sub(&mut self, at: u32, dst: u32, a: u32, b: u32) -> Evaluated<bool> {
        self.operate(at, dst, (a, b), i64::checked_sub, ("minus", self.image.operators.sub))
    }

    #[inline]
    pub(crate) fn mul(&mut self, at: u32, dst: u32, a: u32, b: u32) -> Evaluated<bool> {
        self.operate(at, dst, (a, b), i64::checked_mul, ("mul", self.image.operators.mul))
    }

    pub(crate) fn div(&mut self, at: u32, dst: u32, a: u32, b: u32) -> Evaluated<bool> {
        // Zero is left to the library: OPA keeps its sign, so that `0 / -6` is `-0`.
        let exact = |a: i64, b: i64| (a != 0 && a.checked_rem(b)? == 0).then(|| a.checked_div(b)).flatten();
        self.operate(at, dst, (a, b), exact, ("div", self.image.operators.div))
    }

    pub(crate) fn rem(&mut self, at: u32, dst: u32, a: u32, b: u32) -> Evaluated<bool> {
        self.operate(at, dst, (a, b), i64::checked_rem, ("rem", self.image.operators.rem))
    }

    #[inline]
    fn operate(
        &mut self,
        at: u32,
        dst: u32,
        (a, b): (u32, u32),
        fast: impl Fn(i64, i64) -> Option<i64>,
        slow: (&'static str, Option<Call>),
    ) -> Evaluated<bool> {
        let args = [self.get(a), self.get(b)];
        if let (Some(a), Some(b)) = (small(args[0]), small(args[1]))
            && let Some(result) = fast(a, b)
        {
            self.set(dst, Value::int(result));
            return Ok(true);
        }
        self.operate_slowly(at, dst, &args, slow)
    }

    fn operate_slowly(
        &mut self,
        at: u32,
        dst: u32,
        args: &[Value<'q>],
        (name, call): (&'static str, Option<Call>),
    ) -> Evaluated<bool> {
        if args.iter().any(|a| a.is_undefined()) {
            return Ok(self.put(dst, Value::UNDEFINED));
        }
        let answer = match call {
            Some(call) => self.call_std(call, args),
            None => Err(BuiltinError::Unsupported(format!("`{name}` is not performed by this build"))),
        };
        let value = self.settle(at, name, answer)?;
        Ok(self.put(dst, value))
    }

    pub(crate) fn count(&mut self, at: u32, dst: u32, src: u32) -> Evaluated<bool> {
        let value = self.get(src);
        if value.is_collection() {
            self.set(dst, Value::int(value.len() as i64));
            return Ok(true);
        }
        self.operate_slowly(at, dst, &[value], ("count", self.image.operators.count))
    }
}
