//! Go's text templates, filled with the values of a policy.
//!
//! The one surprising fact: what has no value prints as `<undefined>`, wherever the text comes from.

mod data;
mod functions;
mod lex;
mod parse;
mod run;
mod words;

use crate::operand::{arg, failed, object, rego, string};
use crate::{Answer, BuiltinError, Context};
use govc_value::Value;

/// Performs `strings.render_template`.
pub(crate) fn render<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    object(arg(args, 1), 2)?;
    // OPA reads the text of the object as JSON, which refuses sets and keys that are no strings.
    if let Some(fault) = crate::go::json::fault(rego(arg(args, 1)).as_bytes()) {
        return failed(fault);
    }
    let data = data::Data::of(arg(args, 1));
    let templates = parse::parse(text).map_err(BuiltinError::Failed)?;
    let rendered = run::run(text, &templates, data)?;
    Ok(context.heap.string(&rendered.replace("<no value>", "<undefined>")))
}
