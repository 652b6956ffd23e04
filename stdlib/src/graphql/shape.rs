//! Syntax trees that a policy passes back: read by the shape that OPA's library gives each part.
//!
//! The one surprising fact: every selection of such a tree is read as a field, fragments too, because
//! OPA's library does so.

use super::node::Node;
use crate::operand::kind_name;
use govc_value::Value;

/// The parts of a record.
struct Shape(&'static [(&'static str, Part)]);

/// What a part is; texts, flags and numbers that are absent are empty, false and zero.
enum Part {
    Text,
    Flag,
    Number,
    Texts,
    Record(&'static Shape),
    Records(&'static Shape),
}

use Part::{Flag, Number, Record, Records, Text, Texts};

static COMMENT: Shape = Shape(&[("List", Records(&Shape(&[("Value", Text)])))]);
static TYPE: Shape = Shape(&[("NamedType", Text), ("Elem", Record(&TYPE)), ("NonNull", Flag)]);
static VALUE: Shape = Shape(&[
    ("Raw", Text),
    ("Children", Records(&ARGUMENT)),
    ("Kind", Number),
    ("Comment", Record(&COMMENT)),
    ("ExpectedTypeHasDefault", Flag),
]);
static ARGUMENT: Shape = Shape(&[("Name", Text), ("Value", Record(&VALUE)), ("Comment", Record(&COMMENT))]);
static DIRECTIVE: Shape = Shape(&[("Name", Text), ("Arguments", Records(&ARGUMENT)), ("Location", Text)]);
static FIELD: Shape = Shape(&[
    ("Alias", Text),
    ("Name", Text),
    ("Arguments", Records(&ARGUMENT)),
    ("Directives", Records(&DIRECTIVE)),
    ("SelectionSet", Records(&FIELD)),
]);
static VARIABLE: Shape = Shape(&[
    ("Variable", Text),
    ("Type", Record(&TYPE)),
    ("DefaultValue", Record(&VALUE)),
    ("Directives", Records(&DIRECTIVE)),
    ("Comment", Record(&COMMENT)),
    ("Used", Flag),
]);
static QUERY: Shape = Shape(&[
    (
        "Operations",
        Records(&Shape(&[
            ("Operation", Text),
            ("Name", Text),
            ("VariableDefinitions", Records(&VARIABLE)),
            ("Directives", Records(&DIRECTIVE)),
            ("SelectionSet", Records(&FIELD)),
        ])),
    ),
    (
        "Fragments",
        Records(&Shape(&[
            ("Name", Text),
            ("VariableDefinition", Records(&VARIABLE)),
            ("TypeCondition", Text),
            ("Directives", Records(&DIRECTIVE)),
            ("SelectionSet", Records(&FIELD)),
        ])),
    ),
    ("Comment", Record(&COMMENT)),
]);
static ROOT: Shape = Shape(&[
    ("Description", Text),
    ("Directives", Records(&DIRECTIVE)),
    (
        "OperationTypes",
        Records(&Shape(&[("Operation", Text), ("Type", Text), ("Comment", Record(&COMMENT))])),
    ),
    ("BeforeDescriptionComment", Record(&COMMENT)),
    ("AfterDescriptionComment", Record(&COMMENT)),
    ("EndOfDefinitionComment", Record(&COMMENT)),
]);
static PARAMETER: Shape = Shape(&[
    ("Description", Text),
    ("Name", Text),
    ("DefaultValue", Record(&VALUE)),
    ("Type", Record(&TYPE)),
    ("Directives", Records(&DIRECTIVE)),
    ("BeforeDescriptionComment", Record(&COMMENT)),
    ("AfterDescriptionComment", Record(&COMMENT)),
]);
static MEMBER: Shape = Shape(&[
    ("Description", Text),
    ("Name", Text),
    ("Arguments", Records(&PARAMETER)),
    ("DefaultValue", Record(&VALUE)),
    ("Type", Record(&TYPE)),
    ("Directives", Records(&DIRECTIVE)),
    ("BeforeDescriptionComment", Record(&COMMENT)),
    ("AfterDescriptionComment", Record(&COMMENT)),
]);
static ENUM_VALUE: Shape = Shape(&[
    ("Description", Text),
    ("Name", Text),
    ("Directives", Records(&DIRECTIVE)),
    ("BeforeDescriptionComment", Record(&COMMENT)),
    ("AfterDescriptionComment", Record(&COMMENT)),
]);
static DEFINITION: Shape = Shape(&[
    ("Kind", Text),
    ("Description", Text),
    ("Name", Text),
    ("Directives", Records(&DIRECTIVE)),
    ("Interfaces", Texts),
    ("Fields", Records(&MEMBER)),
    ("Types", Texts),
    ("EnumValues", Records(&ENUM_VALUE)),
    ("BuiltIn", Flag),
    ("BeforeDescriptionComment", Record(&COMMENT)),
    ("AfterDescriptionComment", Record(&COMMENT)),
    ("EndOfDefinitionComment", Record(&COMMENT)),
]);
static DIRECTIVE_DEFINITION: Shape = Shape(&[
    ("Description", Text),
    ("Name", Text),
    ("Arguments", Records(&PARAMETER)),
    ("Locations", Texts),
    ("IsRepeatable", Flag),
    ("BeforeDescriptionComment", Record(&COMMENT)),
    ("AfterDescriptionComment", Record(&COMMENT)),
]);
static SCHEMA: Shape = Shape(&[
    ("Schema", Records(&ROOT)),
    ("SchemaExtension", Records(&ROOT)),
    ("Directives", Records(&DIRECTIVE_DEFINITION)),
    ("Definitions", Records(&DEFINITION)),
    ("Extensions", Records(&DEFINITION)),
    ("Comment", Record(&COMMENT)),
]);

/// Nesting beyond which a tree is refused.
const MAX_DEPTH: usize = 500;

/// Reads the tree of a query.
///
/// # Errors
/// Where a part is of another kind than its shape says.
pub(super) fn query(value: Value<'_>) -> Result<Node, String> {
    record(value, &QUERY, 0)
}

/// Reads the tree of a schema.
///
/// # Errors
/// Where a part is of another kind than its shape says.
pub(super) fn schema(value: Value<'_>) -> Result<Node, String> {
    record(value, &SCHEMA, 0)
}

fn record(value: Value<'_>, shape: &Shape, depth: usize) -> Result<Node, String> {
    let Some(object) = value.as_object() else { return mismatch(value, "struct") };
    if depth > MAX_DEPTH {
        return Err("Document nests too deeply".to_owned());
    }
    let mut parts = Vec::new();
    for (name, part) in shape.0 {
        let given = object.get_str(name);
        let absent = given.is_undefined() || given.is_null();
        let node = match part {
            Text if absent => Node::Text(String::new()),
            Text => text(given)?,
            Flag if absent => Node::Bool(false),
            Flag => given.as_bool().map_or_else(|| mismatch(given, "bool"), |flag| Ok(Node::Bool(flag)))?,
            Number if absent => Node::Int(0),
            Number => {
                given.as_int().map_or_else(|| mismatch(given, "int"), |number| Ok(Node::Int(number)))?
            }
            _ if absent => continue,
            Texts => list(given, text)?,
            Record(shape) => record(given, shape, depth + 1)?,
            Records(shape) => list(given, |element| record(element, shape, depth + 1))?,
        };
        parts.push((*name, node));
    }
    Ok(Node::Record(parts))
}

fn text(value: Value<'_>) -> Result<Node, String> {
    value.as_str().map_or_else(|| mismatch(value, "string"), |text| Ok(Node::Text(text.to_owned())))
}

fn list(value: Value<'_>, element: impl Fn(Value<'_>) -> Result<Node, String>) -> Result<Node, String> {
    let Some(array) = value.as_array() else { return mismatch(value, "slice") };
    array.as_slice().iter().map(|one| element(*one)).collect::<Result<_, _>>().map(Node::List)
}

fn mismatch<T>(value: Value<'_>, wanted: &str) -> Result<T, String> {
    let kind = kind_name(value);
    Err(format!("json: cannot unmarshal {kind} into Go value of type {wanted}"))
}
