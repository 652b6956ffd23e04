//! Fields that share a name in the answer of a query and must not differ.
//!
//! The one surprising fact: which pairs of fragments were compared is kept for the whole walk, so that a
//! conflict is told once.

use super::node::Node;
use super::rules::{Place, Selected, Selection, Walk, selection_of};
use std::collections::{HashMap, HashSet};

/// What was compared so far.
#[derive(Default)]
pub(super) struct Overlaps<'n> {
    /// Pairs of fragments, and whether they were compared as those of types that exclude each other.
    pairs: HashMap<(&'n str, &'n str), bool>,
    /// Fragments compared with the fields at hand.
    fragments: HashSet<&'n str>,
}

struct Conflict<'n> {
    name: &'n str,
    reason: Reason<'n>,
    place: Place,
}

enum Reason<'n> {
    Text(String),
    Inner(Vec<Conflict<'n>>),
}

impl Conflict<'_> {
    fn text(&self) -> String {
        match &self.reason {
            Reason::Text(text) => text.clone(),
            Reason::Inner(conflicts) => {
                let one =
                    |inner: &Self| format!("subfields \"{}\" conflict because {}", inner.name, inner.text());
                conflicts.iter().map(one).collect::<Vec<_>>().join(" and ")
            }
        }
    }
}

/// Fields by their name in the answer, in the order of their first ones, and the spreads beside them.
#[derive(Default)]
struct Group<'n> {
    fields: Vec<(&'n str, Vec<&'n Node>)>,
    spreads: Vec<&'n Node>,
}

fn answer_name(field: &Node) -> &str {
    match field.text("Alias") {
        "" => field.name(),
        alias => alias,
    }
}

impl<'n> Group<'n> {
    fn of(selections: &'n [Node]) -> Self {
        let mut group = Self::default();
        group.add(selections);
        group
    }

    fn add(&mut self, selections: &'n [Node]) {
        for selection in selections {
            match selection_of(selection) {
                Selection::Inline => self.add(selection.list("SelectionSet")),
                Selection::Spread => self.spreads.push(selection),
                Selection::Field => {
                    let name = answer_name(selection);
                    match self.fields.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, fields)) => fields.push(selection),
                        None => self.fields.push((name, vec![selection])),
                    }
                }
            }
        }
    }

    fn named(&self, name: &str) -> &[&'n Node] {
        self.fields.iter().find(|(known, _)| *known == name).map_or(&[], |(_, fields)| fields)
    }
}

impl<'n> Overlaps<'n> {
    /// The conflicts among selections.
    pub(super) fn within(&mut self, walk: &Walk<'_, 'n>, selections: &'n [Node]) -> Vec<(Place, String)> {
        let group = Group::of(selections);
        let mut found = Vec::new();
        for (_, fields) in &group.fields {
            for (at, a) in fields.iter().enumerate() {
                for b in fields.iter().skip(at + 1) {
                    found.extend(self.conflict(walk, false, a, b));
                }
            }
        }
        self.fragments.clear();
        for (at, spread) in group.spreads.iter().enumerate() {
            self.with_fragment(walk, &mut found, false, &group, spread);
            for other in group.spreads.iter().skip(at + 1) {
                self.fragments_between(walk, &mut found, false, spread, other);
            }
        }
        let advice = "Use different aliases on the fields to fetch both if this was intentional.";
        let text =
            |c: &Conflict<'_>| format!("Fields \"{}\" conflict because {}. {advice}", c.name, c.text());
        found.iter().map(|conflict| (conflict.place, text(conflict))).collect()
    }

    fn with_fragment(
        &mut self,
        walk: &Walk<'_, 'n>,
        found: &mut Vec<Conflict<'n>>,
        exclusive: bool,
        group: &Group<'n>,
        spread: &'n Node,
    ) {
        if !self.fragments.insert(spread.name()) {
            return;
        }
        let Some(fragment) = walk.fragment_named(spread.name()) else { return };
        let other = Group::of(fragment.list("SelectionSet"));
        if same_fields(group, &other) {
            return;
        }
        self.between(walk, found, exclusive, group, &other);
        for inner in other.spreads.iter().filter(|inner| inner.name() != spread.name()) {
            self.with_fragment(walk, found, exclusive, group, inner);
        }
    }

    fn fragments_between(
        &mut self,
        walk: &Walk<'_, 'n>,
        found: &mut Vec<Conflict<'n>>,
        exclusive: bool,
        a: &'n Node,
        b: &'n Node,
    ) {
        let (name_a, name_b) = (a.name(), b.name());
        let known = self.pairs.get(&(name_a, name_b));
        if name_a == name_b || known.is_some_and(|known| exclusive || !known) {
            return;
        }
        self.pairs.insert((name_a, name_b), exclusive);
        self.pairs.insert((name_b, name_a), exclusive);
        let (Some(fragment_a), Some(fragment_b)) = (walk.fragment_named(name_a), walk.fragment_named(name_b))
        else {
            return;
        };
        let group_a = Group::of(fragment_a.list("SelectionSet"));
        let group_b = Group::of(fragment_b.list("SelectionSet"));
        self.between(walk, found, exclusive, &group_a, &group_b);
        for spread in &group_b.spreads {
            self.fragments_between(walk, found, exclusive, a, spread);
        }
        for spread in &group_a.spreads {
            self.fragments_between(walk, found, exclusive, spread, b);
        }
    }

    fn between(
        &mut self,
        walk: &Walk<'_, 'n>,
        found: &mut Vec<Conflict<'n>>,
        exclusive: bool,
        a: &Group<'n>,
        b: &Group<'n>,
    ) {
        for (name, fields) in &a.fields {
            for field in fields {
                for other in b.named(name) {
                    found.extend(self.conflict(walk, exclusive, field, other));
                }
            }
        }
    }

    fn conflict(
        &mut self,
        walk: &Walk<'_, 'n>,
        exclusive: bool,
        a: &'n Node,
        b: &'n Node,
    ) -> Option<Conflict<'n>> {
        let selected = |node: &'n Node| walk.selected.get(&std::ptr::from_ref(node)).copied();
        let Selected { parent: Some(parent_a), field: field_a } = selected(a)? else { return None };
        let Selected { parent: Some(parent_b), field: field_b } = selected(b)? else { return None };
        let exclusive = exclusive
            || parent_a.name != parent_b.name
                && parent_a.kind == "OBJECT"
                && parent_b.kind == "OBJECT"
                && field_a.is_some()
                && field_b.is_some();
        let conflict = |reason| Some(Conflict { name: answer_name(a), reason, place: b.place() });
        if !exclusive {
            if a.name() != b.name() {
                let text = format!("\"{}\" and \"{}\" are different fields", a.name(), b.name());
                return conflict(Reason::Text(text));
            }
            if !same_arguments(a.list("Arguments"), b.list("Arguments")) {
                return conflict(Reason::Text("they have differing arguments".to_owned()));
            }
        }
        let ty = |field: Option<&'n Node>| field.and_then(|field| field.part("Type"));
        if let (Some(a), Some(b)) = (ty(field_a), ty(field_b))
            && types_conflict(walk, a, b)
        {
            let (a, b) = (a.type_text(), b.type_text());
            return conflict(Reason::Text(format!("they return conflicting types \"{a}\" and \"{b}\"")));
        }
        let inner = self.below(walk, exclusive, a.list("SelectionSet"), b.list("SelectionSet"));
        if inner.is_empty() { None } else { conflict(Reason::Inner(inner)) }
    }

    fn below(
        &mut self,
        walk: &Walk<'_, 'n>,
        exclusive: bool,
        a: &'n [Node],
        b: &'n [Node],
    ) -> Vec<Conflict<'n>> {
        let mut found = Vec::new();
        let (group_a, group_b) = (Group::of(a), Group::of(b));
        self.between(walk, &mut found, exclusive, &group_a, &group_b);
        for (group, other) in [(&group_a, &group_b), (&group_b, &group_a)] {
            for spread in &other.spreads {
                self.fragments.clear();
                self.with_fragment(walk, &mut found, exclusive, group, spread);
            }
        }
        for spread in &group_a.spreads {
            for other in &group_b.spreads {
                self.fragments_between(walk, &mut found, exclusive, spread, other);
            }
        }
        found
    }
}

fn same_fields(a: &Group<'_>, b: &Group<'_>) -> bool {
    let all = |group: &Group<'_>| -> Vec<*const Node> {
        group
            .fields
            .iter()
            .flat_map(|(_, fields)| fields.iter().map(|field| std::ptr::from_ref(*field)))
            .collect()
    };
    all(a) == all(b)
}

/// Values are compared by their first word only, as OPA's library does.
fn same_arguments(a: &[Node], b: &[Node]) -> bool {
    let key =
        |argument: &Node| argument.part("Value").map(|value| (value.kind(), value.text("Raw").to_owned()));
    a.len() == b.len()
        && a.iter().all(|one| b.iter().any(|other| one.name() == other.name() && key(one) == key(other)))
}

fn types_conflict(walk: &Walk<'_, '_>, a: &Node, b: &Node) -> bool {
    match (a.part("Elem"), b.part("Elem")) {
        (Some(a), Some(b)) => return types_conflict(walk, a, b),
        (None, None) => {}
        _ => return true,
    }
    if a.flag("NonNull") != b.flag("NonNull") {
        return true;
    }
    let leaf = |ty: &Node| walk.schema.ty(ty.text("NamedType")).filter(|ty| ty.is_leaf()).map(|ty| ty.name);
    matches!((leaf(a), leaf(b)), (Some(a), Some(b)) if a != b)
}
