//! Walks over graphs and documents.
//!
//! The one surprising fact: a vertex that the graph has no entry for is not reached, but ends a path.

use crate::operand::{arg, elements, kind_name, object};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Object, Value, View};
use std::collections::BTreeSet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "graph.reachable",
        &[("graph", "object[any: any<array[any], set[any]>]"), ("initial", "any<array[any], set[any]>")],
        Some("set[any]"),
        "Vertices that can be reached from the given ones.",
    )
    .calls(graph_reachable),
    Builtin::new(
        "graph.reachable_paths",
        &[("graph", "object[any: any<array[any], set[any]>]"), ("initial", "any<array[any], set[any]>")],
        Some("set[array[any]]"),
        "Paths from the given vertices to where they end.",
    )
    .calls(graph_reachable_paths),
    Builtin::new(
        "walk",
        &[("x", "any")],
        Some("array<array[any], any>"),
        "Path and value of every part of a document.",
    )
    .relation()
    .calls(walk),
];

fn start<'q>(value: Value<'q>) -> Result<&'q [Value<'q>], BuiltinError> {
    elements(value).ok_or_else(|| {
        BuiltinError::Type(format!("operand 2 must be {{array, set}} but got {}", kind_name(value)))
    })
}

/// The neighbours of a vertex: none when its entry is no array or set.
fn edges<'q>(graph: Object<'q>, vertex: Value<'q>) -> Option<&'q [Value<'q>]> {
    let entry = graph.get(vertex);
    if entry.is_undefined() { None } else { Some(elements(entry).unwrap_or_default()) }
}

fn graph_reachable<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let graph = object(arg(args, 0), 1)?;
    let mut open = start(arg(args, 1))?.to_vec();
    let mut reached = BTreeSet::new();
    while let Some(vertex) = open.pop() {
        let Some(edges) = edges(graph, vertex) else { continue };
        if reached.insert(vertex) {
            open.extend_from_slice(edges);
        }
    }
    let mut reached: Vec<_> = reached.into_iter().collect();
    Ok(context.heap.set(&mut reached))
}

fn graph_reachable_paths<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let graph = object(arg(args, 0), 1)?;
    let mut paths = Vec::new();
    for root in start(arg(args, 1))? {
        match edges(graph, *root) {
            None => {}
            Some([]) => paths.push(context.heap.array(&[*root])),
            Some(neighbours) => {
                for neighbour in neighbours {
                    trace(context, graph, *root, *neighbour, &mut paths)?;
                }
            }
        }
    }
    Ok(context.heap.set(&mut paths))
}

/// All paths that go on from `root` through `first`. An explicit stack: graphs may be deep.
fn trace<'q>(
    context: &Context<'_, 'q>,
    graph: Object<'q>,
    root: Value<'q>,
    first: Value<'q>,
    paths: &mut Vec<Value<'q>>,
) -> Result<(), BuiltinError> {
    let mut open = vec![(vec![root], first)];
    while let Some((mut path, vertex)) = open.pop() {
        context.check()?;
        let Some(neighbours) = edges(graph, vertex) else {
            paths.push(context.heap.array(&path));
            continue;
        };
        path.push(vertex);
        if neighbours.is_empty() {
            paths.push(context.heap.array(&path));
        }
        for neighbour in neighbours {
            if path.contains(neighbour) {
                paths.push(context.heap.array(&path));
            } else {
                open.push((path.clone(), *neighbour));
            }
        }
    }
    Ok(())
}

/// All pairs of path and value, outer before inner.
fn walk<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let heap = context.heap;
    let mut pairs = Vec::new();
    let mut open = vec![(heap.array(&[]), arg(args, 0))];
    while let Some((path, value)) = open.pop() {
        context.check()?;
        pairs.push(heap.array(&[path, value]));
        let below = |key: Value<'q>| {
            let steps = path.as_array().map_or(&[][..], |p| p.as_slice());
            heap.array(&[steps, &[key]].concat())
        };
        match value.view() {
            View::Array(array) => {
                for (index, element) in array.as_slice().iter().enumerate().rev() {
                    open.push((below(crate::aggregates::size(index)), *element));
                }
            }
            View::Set(set) => open.extend(set.as_slice().iter().rev().map(|e| (below(*e), *e))),
            View::Object(object) => {
                let entries: Vec<_> = object.iter().collect();
                open.extend(entries.into_iter().rev().map(|(k, v)| (below(k), v)));
            }
            _ => {}
        }
    }
    Ok(heap.array(&pairs))
}
