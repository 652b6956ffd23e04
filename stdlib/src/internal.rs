//! What the compiler calls, and what only a host can do.
//!
//! The one surprising fact: operands of `internal.print` are sets: no element means undefined, and
//! several mean one line for each combination.

use crate::operand::{arg, array, kind_name, rego, string};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Value, View};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new("print", &[("values", "any...")], None, "Prints values; replaced by the compiler."),
    Builtin::new(
        "internal.print",
        &[("x", "array[set[any]]")],
        None,
        "Prints values; what is undefined shows as `<undefined>`.",
    )
    .calls(internal_print),
    Builtin::new(
        "internal.template_string",
        &[("x", "array[any]")],
        Some("string"),
        "Text of a template string.",
    )
    .calls(internal_template_string),
    Builtin::new(
        "internal.test_case",
        &[("x", "array[any]")],
        None,
        "Marks a case of a test; replaced by the test runner.",
    )
    .calls(internal_test_case),
    Builtin::new("trace", &[("note", "string")], Some("boolean"), "Adds a note to the trace of the query.")
        .calls(trace),
    Builtin::new("opa.runtime", &[], Some("object[string: any]"), "Facts about the running host.")
        .nondeterministic(),
    Builtin::new(
        "rego.metadata.chain",
        &[],
        Some("array[any]"),
        "Annotations from the rule up to its package; replaced by the compiler.",
    )
    .calls(rego_metadata_chain),
    Builtin::new(
        "rego.metadata.rule",
        &[],
        Some("any"),
        "Annotations of the rule; replaced by the compiler.",
    )
    .calls(rego_metadata_rule),
    Builtin::new(
        "rego.parse_module",
        &[("filename", "string"), ("rego", "string")],
        Some("object[string: any]"),
        "Syntax tree of a module; performed by a host that has a parser.",
    ),
];

/// What is left of such a call stands in a query, which has no rule.
fn outside_of_a_rule<'q>(name: &str) -> Answer<'q> {
    crate::operand::failed(format!("the {name} function must only be called within the scope of a rule"))
}

fn rego_metadata_chain<'q>(_: &mut Context<'_, 'q>, _: &[Value<'q>]) -> Answer<'q> {
    outside_of_a_rule("rego.metadata.chain")
}

fn rego_metadata_rule<'q>(_: &mut Context<'_, 'q>, _: &[Value<'q>]) -> Answer<'q> {
    outside_of_a_rule("rego.metadata.rule")
}

/// The texts that an operand stands for.
fn texts(operand: Value<'_>) -> Result<Vec<String>, BuiltinError> {
    match operand.view() {
        View::String(text) => Ok(vec![text.to_owned()]),
        View::Number(_) | View::Bool(_) | View::Null => Ok(vec![rego(operand)]),
        View::Set(set) if set.as_slice().is_empty() => Ok(vec!["<undefined>".to_owned()]),
        View::Set(set) => Ok(set.as_slice().iter().map(|e| display(*e)).collect()),
        _ => Err(BuiltinError::Fatal(format!("illegal argument type: {}", kind_name(operand)))),
    }
}

fn display(value: Value<'_>) -> String {
    value.as_str().map_or_else(|| rego(value), str::to_owned)
}

/// One list of texts for each combination of the operands' elements.
fn combinations(operands: &[Value<'_>]) -> Result<Vec<Vec<String>>, BuiltinError> {
    const MAX: usize = 100_000;
    let mut lines = vec![Vec::new()];
    for operand in operands {
        let texts = texts(*operand)?;
        if lines.len().saturating_mul(texts.len()) > MAX {
            return Err(BuiltinError::Limit(format!("print of more than {MAX} lines")));
        }
        lines = lines
            .iter()
            .flat_map(|line| texts.iter().map(|text| [line.as_slice(), std::slice::from_ref(text)].concat()))
            .collect();
    }
    Ok(lines)
}

/// The lines that a `print` call writes, for callers that know its position.
///
/// # Errors
/// When an operand is neither scalar nor set, or there are too many combinations.
pub fn print_lines(operands: &[Value<'_>]) -> Result<Vec<String>, BuiltinError> {
    Ok(combinations(operands)?.iter().map(|line| line.join(" ")).collect())
}

fn internal_print<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    for line in print_lines(array(arg(args, 0), 1)?.as_slice())? {
        context.world.print(&line, "", 0);
    }
    Ok(Value::bool(true))
}

fn internal_template_string<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let lines = combinations(array(arg(args, 0), 1)?.as_slice())?;
    match lines.as_slice() {
        [parts] => Ok(context.heap.string(&parts.concat())),
        _ => Err(BuiltinError::Fatal("template-strings must not produce multiple outputs".to_owned())),
    }
}

fn internal_test_case<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    context.world.test_case(arg(args, 0));
    Ok(Value::bool(true))
}

fn trace<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    string(arg(args, 0), 1)?;
    Ok(Value::bool(true))
}
