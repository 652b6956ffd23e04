//! GraphQL documents: their syntax trees, and whether a query fits a schema.
//!
//! The one surprising fact: the tree of a schema holds what the schema says only, while queries are judged
//! with the types of introspection as well.

mod lexer;
mod node;
mod overlap;
mod parse;
mod rules;
mod schema;
mod shape;
mod suggest;

use crate::operand::{arg, mismatch, string};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Heap, Kind, Value};
use node::Node;
use parse::Parser;
use schema::Schema;
use std::sync::LazyLock;

const DOCUMENT: &str = "any<string, object[any: any]>";

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "graphql.is_valid",
        &[("query", DOCUMENT), ("schema", DOCUMENT)],
        Some("boolean"),
        "Tells whether a query is valid under a schema.",
    )
    .calls(graphql_is_valid),
    Builtin::new(
        "graphql.parse",
        &[("query", DOCUMENT), ("schema", DOCUMENT)],
        Some("array<object[any: any], object[any: any]>"),
        "Syntax trees of a query and schema.",
    )
    .calls(graphql_parse),
    Builtin::new(
        "graphql.parse_and_verify",
        &[("query", DOCUMENT), ("schema", DOCUMENT)],
        Some("array<boolean, object[any: any], object[any: any]>"),
        "Syntax trees of a query and schema, and whether the query is valid.",
    )
    .calls(graphql_parse_and_verify),
    Builtin::new(
        "graphql.parse_query",
        &[("query", "string")],
        Some("object[any: any]"),
        "Syntax tree of a query.",
    )
    .calls(graphql_parse_query),
    Builtin::new(
        "graphql.parse_schema",
        &[("schema", "string")],
        Some("object[any: any]"),
        "Syntax tree of a schema.",
    )
    .calls(graphql_parse_schema),
    Builtin::new(
        "graphql.schema_is_valid",
        &[("schema", DOCUMENT)],
        Some("boolean"),
        "Tells whether a schema is valid.",
    )
    .calls(graphql_schema_is_valid),
];

/// A document that the build holds; one that could not be read would make every schema invalid.
fn built_in(text: &str) -> Node {
    Parser::new(text).and_then(|mut parser| parser.schema_document()).unwrap_or(Node::List(Vec::new()))
}

static PRELUDE: LazyLock<Node> = LazyLock::new(|| built_in(include_str!("graphql/prelude.graphql")));
static ROOTS: LazyLock<Node> = LazyLock::new(|| built_in(include_str!("graphql/roots.graphql")));

/// A tree as a value, without places and parts that are empty.
fn pruned<'q>(heap: Heap<'q>, node: &Node) -> Option<Value<'q>> {
    Some(match node {
        Node::Text(text) => heap.string(text),
        Node::Bool(b) => Value::bool(*b),
        Node::Int(i) => Value::int(*i),
        Node::Place(..) => return None,
        Node::List(list) => {
            let kept: Vec<_> = list.iter().filter_map(|node| pruned(heap, node)).collect();
            if kept.is_empty() {
                return None;
            }
            heap.array(&kept)
        }
        Node::Record(parts) => {
            let mut kept: Vec<_> = parts
                .iter()
                .filter_map(|(name, node)| Some((heap.string(name), pruned(heap, node)?)))
                .collect();
            if kept.is_empty() {
                return None;
            }
            heap.object(&mut kept)
        }
    })
}

fn shown<'q>(heap: Heap<'q>, node: &Node) -> Value<'q> {
    pruned(heap, node).unwrap_or_else(|| heap.object(&mut Vec::new()))
}

fn read_query(value: Value<'_>) -> Result<Node, BuiltinError> {
    match value.kind() {
        Kind::String => Parser::new(string(value, 1)?).and_then(|mut parser| parser.query_document()),
        Kind::Object => shape::query(value),
        _ => return Err(mismatch(0, value, &["string", "object"])),
    }
    .map_err(BuiltinError::Failed)
}

fn read_schema(value: Value<'_>) -> Result<Node, BuiltinError> {
    match value.kind() {
        Kind::String => Parser::new(string(value, 1)?).and_then(|mut parser| parser.schema_document()),
        Kind::Object => shape::schema(value),
        _ => return Err(mismatch(1, value, &["string", "object"])),
    }
    .map_err(BuiltinError::Failed)
}

fn convert(document: &Node) -> Result<Schema<'_>, BuiltinError> {
    Schema::new(&PRELUDE, &ROOTS, document).map_err(|fault| {
        BuiltinError::Failed(format!("Error in gqlparser SchemaDocument to Schema conversion: {fault}"))
    })
}

fn verify(schema: &Schema<'_>, query: &Node) -> Result<(), BuiltinError> {
    let faults = rules::faults(schema, &ROOTS, query);
    if faults.is_empty() { Ok(()) } else { Err(BuiltinError::Failed(lexer::placed(&faults))) }
}

/// The trees of a query and of the schema that it fits.
fn parse_both(args: &[Value<'_>]) -> Result<(Node, Node), BuiltinError> {
    let query = read_query(arg(args, 0))?;
    let document = read_schema(arg(args, 1))?;
    verify(&convert(&document)?, &query)?;
    Ok((query, document))
}

fn graphql_parse<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (query, schema) = parse_both(args)?;
    let heap = context.heap;
    Ok(heap.array(&[shown(heap, &query), shown(heap, &schema)]))
}

fn graphql_parse_and_verify<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let heap = context.heap;
    let Ok((query, schema)) = parse_both(args) else {
        let empty = heap.object(&mut Vec::new());
        return Ok(heap.array(&[Value::bool(false), empty, empty]));
    };
    Ok(heap.array(&[Value::bool(true), shown(heap, &query), shown(heap, &schema)]))
}

fn graphql_is_valid<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    Ok(Value::bool(parse_both(args).is_ok()))
}

fn graphql_schema_is_valid<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let valid = read_schema(arg(args, 0)).and_then(|document| convert(&document).map(drop));
    Ok(Value::bool(valid.is_ok()))
}

fn graphql_parse_query<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    let query = Parser::new(text).and_then(|mut parser| parser.query_document());
    Ok(shown(context.heap, &query.map_err(BuiltinError::Failed)?))
}

fn graphql_parse_schema<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    let schema = Parser::new(text).and_then(|mut parser| parser.schema_document());
    Ok(shown(context.heap, &schema.map_err(BuiltinError::Failed)?))
}
