//! Traces for people and as OPA's JSON.

use crate::json::Writer;
use crate::rename::Renamer;
use crate::term::*;
use crate::text;
use crate::trace::{Event, Op, TraceNode};
use govc_syntax::{Sources, Span};
use govc_value::Heap;
use std::collections::{BTreeMap, BTreeSet};

/// Which events are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explain {
    /// All but unifications.
    Full,
    /// Notes, with the way to them.
    Notes,
    /// Failures, with the way to them.
    Fails,
    /// Notes and failures, with the way to them.
    NotesAndFails,
    /// All.
    Debug,
}

/// Columns between the location and the event.
const PADDING: usize = 4;

/// Width after which the values of variables are cut.
const WIDEST_VALUE: usize = 32;

impl Explain {
    pub(crate) fn select<'q>(self, events: Vec<Event<'q>>) -> Vec<Event<'q>> {
        match self {
            Self::Debug => events,
            Self::Full => events.into_iter().filter(|e| e.op != Op::Unify).collect(),
            Self::Notes => with_ways(&events, &[Op::Note]),
            Self::Fails => with_ways(&events, &[Op::Fail]),
            Self::NotesAndFails => with_ways(&events, &[Op::Note, Op::Fail]),
        }
    }
}

/// Events of some kinds, each after the rules and queries that lead to it.
fn with_ways<'q>(events: &[Event<'q>], ops: &[Op]) -> Vec<Event<'q>> {
    let mut entered: BTreeMap<u64, &Event<'q>> = BTreeMap::new();
    let mut out = Vec::new();
    for event in events {
        if ops.contains(&event.op) {
            let mut way = vec![event];
            let mut at = entered.get(&event.id).copied();
            let mut seen = BTreeSet::new();
            while let Some(found) = at.filter(|e| seen.insert(e.id)) {
                way.push(found);
                at = entered.get(&found.parent).copied();
            }
            out.extend(way.into_iter().rev().cloned());
            entered.clear();
        }
        let opens = matches!(event.node, Some(TraceNode::Rule(_) | TraceNode::Body(_)));
        if matches!(event.op, Op::Enter | Op::Redo) && opens {
            entered.insert(event.id, event);
        }
    }
    out
}

/// Writes events.
pub(crate) struct Explainer<'s, 'q> {
    pub(crate) heap: Heap<'q>,
    pub(crate) sources: &'s Sources,
}

impl<'q> Explainer<'_, 'q> {
    /// One event as OPA's JSON.
    pub(crate) fn json(&self, event: &Event<'q>) -> String {
        let writer = Writer { heap: self.heap };
        let node = match &event.node {
            None => "null".to_owned(),
            Some(TraceNode::Body(body)) => writer.body(body),
            Some(TraceNode::Expr(e)) => writer.expr(event.index, e),
            Some(TraceNode::Rule(rule)) => writer.rule(rule),
        };
        let reference = match &event.reference {
            None => "null".to_owned(),
            Some(parts) => list(parts.iter().map(|t| writer.term(t))),
        };
        let (locals, metadata) = match &event.node {
            None => ("null".to_owned(), "null".to_owned()),
            Some(_) => (self.locals(writer, event), self.metadata(event)),
        };
        format!(
            r#"{{"Op":"{}","Node":{node},"Location":{},"QueryID":{},"ParentID":{},"Locals":{locals},"LocalMetadata":{metadata},"Message":{},"Ref":{reference}}}"#,
            event.op.text(),
            self.place(event.at),
            event.id,
            event.parent,
            quoted(&event.message),
        )
    }

    fn locals(&self, writer: Writer<'q>, event: &Event<'q>) -> String {
        if event.locals.is_empty() {
            return "null".to_owned();
        }
        let local = |(k, v): &(Term<'q>, Term<'q>)| {
            let term = writer.term(v);
            format!(r#"{{"name":{},{}"#, quoted(&text::term(k)), &term[1..])
        };
        list(event.locals.iter().map(local))
    }

    fn metadata(&self, event: &Event<'q>) -> String {
        let mut members: Vec<String> = Vec::new();
        for local in &event.metadata {
            members.push(format!(
                r#"{}:{{"name":{},"location":{}}}"#,
                quoted(&local.name),
                quoted(&local.written),
                self.place(local.at)
            ));
        }
        members.sort();
        format!("{{{}}}", members.join(","))
    }

    fn place(&self, at: Option<Span>) -> String {
        let Some(at) = at else { return "null".to_owned() };
        let (row, col) = self.sources.position(at);
        let file = quoted(&self.sources.get(at.file).name);
        format!(r#"{{"file":{file},"row":{row},"col":{col}}}"#)
    }

    /// All events as lines; with `values` each tells the variables of what it is about. So many blanks stand before every
    /// cell and every line end.
    pub(crate) fn lines(&self, events: &[Event<'q>], values: bool, indent: usize) -> String {
        let mut depths: BTreeMap<u64, usize> = BTreeMap::new();
        let mut rows: Vec<Vec<String>> = Vec::new();
        for event in events {
            let depth = match depths.get(&event.id) {
                Some(&depth) => depth,
                None => {
                    let depth = depths.get(&event.parent).copied().unwrap_or(0) + 1;
                    depths.insert(event.id, depth);
                    depth
                }
            };
            let mut row = vec![self.location(event.at), self.line(event, depth)];
            if values {
                row.push(self.values(event));
            }
            rows.push(row);
        }
        table(&rows, &" ".repeat(indent))
    }

    fn location(&self, at: Option<Span>) -> String {
        let Some(at) = at else { return String::new() };
        let (row, _) = self.sources.position(at);
        match self.sources.get(at.file).name.as_str() {
            "" => format!("query:{row}"),
            file => format!("{file}:{row}"),
        }
    }

    fn line(&self, event: &Event<'q>, depth: usize) -> String {
        let is_expr = matches!(event.node, Some(TraceNode::Expr(_)));
        let outer = event.op == Op::Enter || (event.op == Op::Redo && !is_expr);
        let bars = if outer { depth - 1 } else { depth };
        let mut out = "| ".repeat(bars);
        out.push_str(event.op.text());
        out.push(' ');
        if event.op == Op::Note {
            out.push_str(&format!("\"{}\"", event.message));
            return out;
        }
        out.push_str(&match (&event.node, &event.reference) {
            (Some(TraceNode::Rule(rule)), _) => {
                let constant = rule.path.iter().skip(1).take_while(|t| t.as_value().is_some()).count();
                text::reference(&rule.path[..=constant])
            }
            (_, Some(parts)) => text::reference(parts),
            (Some(TraceNode::Body(body)), None) => text::body(&self.renamed(event).body(body)),
            (Some(TraceNode::Expr(e)), None) => self.expr(event, e),
            (None, None) => String::new(),
        });
        if !event.message.is_empty() {
            out.push(' ');
            out.push_str(&event.message);
        }
        out
    }

    fn expr(&self, event: &Event<'q>, e: &Expr<'q>) -> String {
        if let ExprKind::Every(every) = &e.kind {
            let name = every.key.as_var().and_then(|n| written(event, n));
            if name.is_none_or(|n| n.starts_with("__local")) {
                return text::every_without_key(&self.renamed(event).expr(e));
            }
        }
        text::expr(&self.renamed(event).expr(e))
    }

    fn renamed<'r>(&self, event: &'r Event<'q>) -> OwnedRenamer<'r, 'q> {
        OwnedRenamer { heap: self.heap, event }
    }

    fn values(&self, event: &Event<'q>) -> String {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        let mut visit = |shown: crate::visit::Shown<'_, 'q>| {
            if let crate::visit::Shown::Term(Term { node: Node::Var(name), .. }) = shown
                && let Some(written) = written(event, name)
                && let Some((_, value)) = event.locals.iter().find(|(k, _)| k.as_var() == Some(name))
            {
                let shown = if written.starts_with('$') { "_".to_owned() } else { written };
                found.insert(shown, text::term(value));
            }
            false
        };
        match &event.node {
            Some(TraceNode::Rule(rule)) => {
                rule.head_terms().for_each(|t| crate::visit::term(t, &mut visit));
            }
            Some(node) => {
                node.visit(&mut visit);
                for (parts, value) in &event.known {
                    found.insert(text::reference(parts), text::term(value));
                }
            }
            None => {}
        }
        let pairs: Vec<String> = found.iter().map(|(k, v)| format!("{k}: {}", cut(v))).collect();
        format!("{{{}}}", pairs.join(", "))
    }
}

/// What the author wrote for a variable of an event.
fn written(event: &Event<'_>, name: &str) -> Option<String> {
    event.metadata.iter().find(|m| *m.name == *name).map(|m| m.written.clone())
}

struct OwnedRenamer<'r, 'q> {
    heap: Heap<'q>,
    event: &'r Event<'q>,
}

impl<'q> OwnedRenamer<'_, 'q> {
    fn expr(&self, e: &Expr<'q>) -> Expr<'q> {
        Renamer { heap: self.heap, name: &|name| written(self.event, name) }.expr(e)
    }

    fn body(&self, body: &Body<'q>) -> Body<'q> {
        Renamer { heap: self.heap, name: &|name| written(self.event, name) }.body(body)
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(WIDEST_VALUE - 3) {
        Some((at, _)) if text.len() > WIDEST_VALUE => format!("{}...", &text[..at]),
        _ => text.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// Rows in columns; the last column is not padded.
fn table(rows: &[Vec<String>], indent: &str) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(|c| width(c) + PADDING).collect();
    let mut out = String::new();
    for row in rows {
        for (i, cell) in row.iter().enumerate() {
            out.push_str(indent);
            match i + 1 < row.len() {
                true => out.push_str(&format!("{cell:<0$} ", widths[i])),
                false => out.push_str(cell),
            }
        }
        out.push_str(indent);
        out.push('\n');
    }
    out
}
