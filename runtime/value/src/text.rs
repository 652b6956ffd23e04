//! The Rego text form of values, as OPA's `%v` and error messages print them.

use crate::Value;

/// Appends the Rego text form: `{1, 2}`, `set()`, `{"k": [1, true]}`.
pub fn write_rego(_value: Value<'_>, _out: &mut String) {
    todo!()
}
