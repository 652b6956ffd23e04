//! Parts of GraphQL syntax trees.
//!
//! The one surprising fact: a tree is records of named parts, as OPA shows it to policies, so that a tree
//! that a policy passes back is the same thing; places in the text are parts that are never shown.

use std::fmt::Write as _;

/// Line and column in the text.
pub(super) type Place = (i64, i64);

/// A part of a syntax tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    Bool(bool),
    Int(i64),
    List(Vec<Node>),
    /// Parts by name; absent ones are left out.
    Record(Vec<(&'static str, Node)>),
    /// Line and column in the text, both from 1.
    Place(i64, i64),
}

/// The name of the part that holds the place of a record.
pub(super) const PLACE: &str = "Position";

/// The kinds of value.
pub(super) mod kind {
    pub(in crate::graphql) const VARIABLE: i64 = 0;
    pub(in crate::graphql) const INT: i64 = 1;
    pub(in crate::graphql) const FLOAT: i64 = 2;
    pub(in crate::graphql) const STRING: i64 = 3;
    pub(in crate::graphql) const BLOCK: i64 = 4;
    pub(in crate::graphql) const BOOLEAN: i64 = 5;
    pub(in crate::graphql) const NULL: i64 = 6;
    pub(in crate::graphql) const ENUM: i64 = 7;
    pub(in crate::graphql) const LIST: i64 = 8;
    pub(in crate::graphql) const OBJECT: i64 = 9;
}

impl Node {
    pub(super) fn part(&self, name: &str) -> Option<&Node> {
        let Self::Record(parts) = self else { return None };
        parts.iter().find(|(part, _)| *part == name).map(|(_, node)| node)
    }

    /// A text; absent is empty.
    pub(super) fn text(&self, name: &str) -> &str {
        self.part(name).map_or("", Node::as_text)
    }

    pub(super) fn as_text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    pub(super) fn name(&self) -> &str {
        self.text("Name")
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.part(name), Some(Self::Bool(true)))
    }

    /// A list; absent is empty.
    pub(super) fn list(&self, name: &str) -> &[Node] {
        if let Some(Self::List(list)) = self.part(name) { list } else { &[] }
    }

    /// The kind of a value.
    pub(super) fn kind(&self) -> i64 {
        if let Some(Self::Int(kind)) = self.part("Kind") { *kind } else { kind::VARIABLE }
    }

    pub(super) fn place(&self) -> Option<Place> {
        if let Some(Self::Place(line, column)) = self.part(PLACE) { Some((*line, *column)) } else { None }
    }

    /// A type without its lists and marks.
    pub(super) fn type_name(&self) -> &str {
        match (self.text("NamedType"), self.part("Elem")) {
            ("", Some(element)) => element.type_name(),
            (name, _) => name,
        }
    }

    /// A type as it is written.
    pub(super) fn type_text(&self) -> String {
        let mark = if self.flag("NonNull") { "!" } else { "" };
        match (self.text("NamedType"), self.part("Elem")) {
            ("", Some(element)) => format!("[{}]{mark}", element.type_text()),
            (name, _) => format!("{name}{mark}"),
        }
    }

    /// A value as it is written.
    pub(super) fn value_text(&self) -> String {
        let raw = self.text("Raw");
        let children = self.list("Children");
        let child = |child: &Node| child.part("Value").map(Node::value_text).unwrap_or_default();
        match self.kind() {
            kind::VARIABLE => format!("${raw}"),
            kind::STRING | kind::BLOCK => crate::go::quote(raw),
            kind::LIST => format!("[{}]", children.iter().map(child).collect::<Vec<_>>().join(",")),
            kind::OBJECT => {
                let mut text = String::from("{");
                for (position, field) in children.iter().enumerate() {
                    let comma = if position == 0 { "" } else { "," };
                    let _ = write!(text, "{comma}{}:{}", field.name(), child(field));
                }
                text + "}"
            }
            _ => raw.to_owned(),
        }
    }
}

/// The first of a list that has a name.
pub(super) fn named<'n>(list: &'n [Node], name: &str) -> Option<&'n Node> {
    list.iter().find(|node| node.name() == name)
}

/// A value of one type may stand where the other is expected.
pub(super) fn fits(given: &Node, given_non_null: bool, expected: &Node, expected_non_null: bool) -> bool {
    if given.text("NamedType") != expected.text("NamedType") {
        return false;
    }
    let elements_fit = match (given.part("Elem"), expected.part("Elem")) {
        (Some(_), None) => false,
        (Some(a), Some(b)) => fits(a, a.flag("NonNull"), b, b.flag("NonNull")),
        (None, _) => true,
    };
    elements_fit && (given_non_null || !expected_non_null)
}
