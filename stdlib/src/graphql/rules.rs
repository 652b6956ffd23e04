//! Whether a query fits a schema: one walk over its operations and fragments that asks every rule.
//!
//! The one surprising fact: faults are listed in the order in which OPA's library finds them, which asks
//! the rules of one place by their names, because a policy sees the list as one text.

mod values;

use super::node::{Node, named};
use super::overlap::Overlaps;
use super::schema::{Definition, Schema, is_required};
use super::suggest::{quoted_or_list, similar};
use std::collections::{HashMap, HashSet};
use values::Expected;

pub(super) type Place = Option<super::node::Place>;

/// What a selected field is.
#[derive(Clone, Copy, Default)]
pub(super) struct Selected<'s, 'n> {
    /// The type that it is selected of.
    pub(super) parent: Option<&'s Definition<'n>>,
    pub(super) field: Option<&'n Node>,
}

pub(super) struct Walk<'s, 'n> {
    pub(super) schema: &'s Schema<'n>,
    pub(super) document: &'n Node,
    pub(super) selected: HashMap<*const Node, Selected<'s, 'n>>,
    /// The field that every type has.
    typename: Option<&'n Node>,
    operation: Option<&'n Node>,
    in_fragments: bool,
    spread: HashSet<&'n str>,
    walked: HashSet<&'n str>,
    used_variables: HashSet<*const Node>,
    misplaced: HashSet<(&'n str, Place)>,
    cycles_seen: HashSet<&'n str>,
    names_seen: HashSet<(bool, &'n str)>,
    overlaps: Overlaps<'n>,
    faults: Vec<(Place, String)>,
}

/// All faults of a query, a line each, with their places before them; empty when it is valid.
pub(super) fn faults<'n>(schema: &Schema<'n>, roots: &'n Node, document: &'n Node) -> String {
    let fields = roots.list("Definitions").first().map(|roots| roots.list("Fields")).unwrap_or_default();
    let mut walk = Walk {
        schema,
        document,
        selected: HashMap::new(),
        typename: named(fields, "__typename"),
        operation: None,
        in_fragments: false,
        spread: HashSet::new(),
        walked: HashSet::new(),
        used_variables: HashSet::new(),
        misplaced: HashSet::new(),
        cycles_seen: HashSet::new(),
        names_seen: HashSet::new(),
        overlaps: Overlaps::default(),
        faults: Vec::new(),
    };
    walk.document();
    let line = |(place, text): &(Place, String)| match place {
        Some((line, column)) => format!("input:{line}:{column}: {text}\n"),
        None => format!("input: {text}\n"),
    };
    walk.faults.iter().map(line).collect()
}

/// The three kinds of selection.
pub(super) enum Selection {
    Field,
    Spread,
    Inline,
}

pub(super) fn selection_of(node: &Node) -> Selection {
    if node.part("TypeCondition").is_some() {
        Selection::Inline
    } else if node.part("Alias").is_some() {
        Selection::Field
    } else {
        Selection::Spread
    }
}

impl<'s, 'n> Walk<'s, 'n> {
    fn fault(&mut self, place: Place, text: impl Into<String>) {
        self.faults.push((place, text.into()));
    }

    pub(super) fn fragment_named(&self, name: &str) -> Option<&'n Node> {
        named(self.document.list("Fragments"), name)
    }

    fn document(&mut self) {
        for operation in self.document.list("Operations") {
            self.walked.clear();
            self.operation = Some(operation);
            self.operation(operation);
            self.operation = None;
        }
        for fragment in self.document.list("Fragments") {
            self.walked.clear();
            let ty = self.schema.ty(fragment.text("TypeCondition"));
            self.directives(fragment.list("Directives"), "FRAGMENT_DEFINITION");
            self.selections(ty, fragment.list("SelectionSet"));
            self.fragment_rules(fragment, ty);
        }
    }

    fn operation(&mut self, operation: &'n Node) {
        let variables = operation.list("VariableDefinitions");
        for variable in variables {
            let name = variable.part("Type").map_or("", Node::type_name);
            if self.schema.ty(name).is_none() {
                self.fault(variable.place(), format!("Unknown type \"{name}\"."));
            }
        }
        for variable in variables {
            let ty = variable.part("Type");
            let definition = ty.and_then(|ty| self.schema.ty(ty.type_name()));
            if let Some(default) = variable.part("DefaultValue") {
                self.value(default, Expected { ty, definition, has_default: false });
            }
            self.directives(variable.list("Directives"), "VARIABLE_DEFINITION");
        }
        let kind = operation.text("Operation");
        let location = match kind {
            "mutation" => "MUTATION",
            "subscription" => "SUBSCRIPTION",
            _ => "QUERY",
        };
        let root = self.schema.root(kind);
        self.directives(operation.list("Directives"), location);
        self.selections(root, operation.list("SelectionSet"));
        self.operation_rules(operation, root.is_some());
    }

    fn operation_rules(&mut self, operation: &'n Node, has_root: bool) {
        let (name, place) = (operation.name(), operation.place());
        let kind = operation.text("Operation");
        if !has_root {
            self.fault(place, format!("Schema does not support operation type \"{kind}\""));
        }
        if name.is_empty() && self.document.list("Operations").len() > 1 {
            self.fault(place, "This anonymous operation must be the only defined operation.");
        }
        let variables = operation.list("VariableDefinitions");
        for variable in variables {
            if !self.used_variables.contains(&std::ptr::from_ref(variable)) && !variable.flag("Used") {
                let variable_name = variable.text("Variable");
                let place_in =
                    if name.is_empty() { String::new() } else { format!(" in operation \"{name}\"") };
                self.fault(
                    variable.place(),
                    format!("Variable \"${variable_name}\" is never used{place_in}."),
                );
            }
        }
        self.overlapping(operation.list("SelectionSet"));
        if kind == "subscription" && self.schema.root(kind).is_some() {
            self.subscription_rules(operation);
        }
        if !self.names_seen.insert((true, name)) {
            self.fault(place, format!("There can be only one operation named \"{name}\"."));
        }
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for variable in variables {
            let variable_name = variable.text("Variable");
            let count = seen.entry(variable_name).or_default();
            *count += 1;
            if *count == 2 {
                let text = format!("There can be only one variable named \"${variable_name}\".");
                self.fault(variable.place(), text);
            }
        }
        for variable in variables {
            let Some(ty) = variable.part("Type") else { continue };
            if self.schema.ty(ty.type_name()).is_some_and(|definition| !definition.is_input()) {
                let (name, ty) = (variable.text("Variable"), ty.type_text());
                let text = format!("Variable \"${name}\" cannot be non-input type \"{ty}\".");
                self.fault(variable.place(), text);
            }
        }
    }

    fn subscription_rules(&mut self, operation: &'n Node) {
        let mut fields: Vec<(&str, Place)> = Vec::new();
        self.top_fields(operation.list("SelectionSet"), &mut HashSet::new(), &mut fields);
        let mut seen = HashSet::new();
        fields.retain(|(name, _)| seen.insert(*name));
        let name = match operation.name() {
            "" => "Anonymous Subscription".to_owned(),
            name => format!("Subscription {}", crate::go::quote(name)),
        };
        if let Some((_, place)) = fields.get(1) {
            self.fault(*place, format!("{name} must select only one top level field."));
        }
        for (field, place) in &fields {
            if field.starts_with("__") {
                self.fault(*place, format!("{name} must not select an introspection top level field."));
            }
        }
    }

    fn top_fields(
        &self,
        selections: &'n [Node],
        walked: &mut HashSet<&'n str>,
        fields: &mut Vec<(&'n str, Place)>,
    ) {
        for selection in selections {
            match selection_of(selection) {
                Selection::Field => fields.push((selection.name(), selection.place())),
                Selection::Inline => self.top_fields(selection.list("SelectionSet"), walked, fields),
                Selection::Spread => {
                    let Some(fragment) = self.fragment_named(selection.name()) else { return };
                    if walked.insert(fragment.name()) {
                        self.top_fields(fragment.list("SelectionSet"), walked, fields);
                    }
                }
            }
        }
    }

    fn fragment_rules(&mut self, fragment: &'n Node, ty: Option<&Definition<'n>>) {
        let (name, place, condition) = (fragment.name(), fragment.place(), fragment.text("TypeCondition"));
        if !condition.is_empty() && ty.is_some_and(|ty| !ty.is_composite()) {
            let text = format!("Fragment \"{name}\" cannot condition on non composite type \"{condition}\".");
            self.fault(place, text);
        }
        if ty.is_none() {
            let known = self.schema.definitions.iter().map(|definition| definition.name);
            let hint = did_you_mean("Did you mean", condition, known);
            self.fault(place, format!("Unknown type \"{condition}\".{hint}"));
        }
        self.cycle_rule(fragment, &mut Vec::new(), &mut HashMap::new());
        self.in_fragments = true;
        if !self.spread.contains(name) {
            self.fault(place, format!("Fragment \"{name}\" is never used."));
        }
        self.overlapping(fragment.list("SelectionSet"));
        if !self.names_seen.insert((false, name)) {
            self.fault(place, format!("There can be only one fragment named \"{name}\"."));
        }
    }

    fn cycle_rule(
        &mut self,
        fragment: &'n Node,
        path: &mut Vec<&'n str>,
        places_in_path: &mut HashMap<&'n str, usize>,
    ) {
        if !self.cycles_seen.insert(fragment.name()) {
            return;
        }
        let spreads = spreads_of(fragment);
        if spreads.is_empty() {
            return;
        }
        places_in_path.insert(fragment.name(), path.len());
        for spread in spreads {
            let name = spread.name();
            match places_in_path.get(name) {
                None => {
                    path.push(name);
                    if let Some(fragment) = self.fragment_named(name) {
                        self.cycle_rule(fragment, path, places_in_path);
                    }
                    path.pop();
                }
                Some(start) => {
                    let names: Vec<_> = path.iter().skip(*start).map(|name| format!("\"{name}\"")).collect();
                    let via =
                        if names.is_empty() { String::new() } else { format!(" via {}", names.join(", ")) };
                    self.fault(
                        spread.place(),
                        format!("Cannot spread fragment \"{name}\" within itself{via}."),
                    );
                }
            }
        }
        places_in_path.remove(fragment.name());
    }

    fn directives(&mut self, directives: &'n [Node], location: &'static str) {
        for directive in directives {
            let definition = self.schema.directive(directive.name());
            self.arguments(directive.list("Arguments"), definition);
            self.directive_rules(directive, definition, location);
        }
        let mut seen = HashSet::new();
        for directive in directives {
            let name = directive.name();
            let repeatable = self.schema.directive(name).is_some_and(|known| known.flag("IsRepeatable"));
            if !seen.insert(name) && !repeatable {
                let text = format!("The directive \"@{name}\" can only be used once at this location.");
                self.fault(directive.place(), text);
            }
        }
    }

    fn directive_rules(&mut self, directive: &'n Node, definition: Option<&'n Node>, location: &str) {
        let (name, place) = (directive.name(), directive.place());
        if let Some(definition) = definition {
            let known = definition.list("Arguments");
            for argument in directive.list("Arguments").iter().filter(|a| named(known, a.name()).is_none()) {
                let hint = did_you_mean("Did you mean", argument.name(), known.iter().map(Node::name));
                let text =
                    format!("Unknown argument \"{}\" on directive \"@{name}\".{hint}", argument.name());
                self.fault(place, text);
            }
        }
        let Some(definition) = definition else {
            self.fault(place, format!("Unknown directive \"@{name}\"."));
            self.unique_arguments(directive.list("Arguments"));
            return;
        };
        let fitting = definition.list("Locations").iter().any(|known| known.as_text() == location);
        if !fitting && self.misplaced.insert((name, place)) {
            self.fault(place, format!("Directive \"@{name}\" may not be used on {location}."));
        }
        for argument in missing(definition, directive) {
            let ty = argument.part("Type").map(Node::type_text).unwrap_or_default();
            let rule = "is required, but it was not provided.";
            self.fault(
                place,
                format!("Directive \"@{name}\" argument \"{}\" of type \"{ty}\" {rule}", argument.name()),
            );
        }
        self.unique_arguments(directive.list("Arguments"));
    }

    fn unique_arguments(&mut self, arguments: &[Node]) {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for argument in arguments {
            let count = counts.entry(argument.name()).or_default();
            *count += 1;
            if *count == 2 {
                let text = format!("There can be only one argument named \"{}\".", argument.name());
                self.fault(argument.place(), text);
            }
        }
    }

    fn arguments(&mut self, arguments: &'n [Node], definition: Option<&'n Node>) {
        for argument in arguments {
            let known = definition.and_then(|known| named(known.list("Arguments"), argument.name()));
            if let Some(value) = argument.part("Value") {
                self.value(value, known.map(|known| self.expected(known)).unwrap_or_default());
            }
        }
    }

    fn selections(&mut self, parent: Option<&'s Definition<'n>>, selections: &'n [Node]) {
        for selection in selections {
            match selection_of(selection) {
                Selection::Field => self.field(parent, selection),
                Selection::Inline => self.inline_fragment(parent, selection),
                Selection::Spread => self.fragment_spread(parent, selection),
            }
        }
    }

    fn field(&mut self, parent: Option<&'s Definition<'n>>, node: &'n Node) {
        let field = match node.name() {
            "__typename" => self.typename,
            name => parent.and_then(|parent| parent.field(name)),
        };
        self.selected.insert(node, Selected { parent, field });
        let ty = field.and_then(|field| field.part("Type"));
        let inner = ty.and_then(|ty| self.schema.ty(ty.type_name()));
        self.arguments(node.list("Arguments"), field);
        self.directives(node.list("Directives"), "FIELD");
        self.selections(inner, node.list("SelectionSet"));
        self.field_rules(node, parent, field);
    }

    fn field_rules(&mut self, node: &'n Node, parent: Option<&'s Definition<'n>>, field: Option<&'n Node>) {
        let (name, place) = (node.name(), node.place());
        if let (Some(parent), None) = (parent, field) {
            let hint = self.field_hint(parent, name);
            self.fault(place, format!("Cannot query field \"{name}\" on type \"{}\".{hint}", parent.name));
        }
        if let (Some(parent), Some(field)) = (parent, field) {
            let known = field.list("Arguments");
            for argument in node.list("Arguments").iter().filter(|a| named(known, a.name()).is_none()) {
                let hint = did_you_mean("Did you mean", argument.name(), known.iter().map(Node::name));
                let on = format!("{}.{name}", parent.name);
                self.fault(
                    place,
                    format!("Unknown argument \"{}\" on field \"{on}\".{hint}", argument.name()),
                );
            }
        }
        if matches!(name, "__schema" | "__type") && self.is_too_deep(node, &mut Vec::new(), 0) {
            self.fault(place, "Maximum introspection depth exceeded");
        }
        if self.operation.is_some() {
            self.overlapping(node.list("SelectionSet"));
        }
        if let Some(field) = field {
            for argument in missing(field, node) {
                let ty = argument.part("Type").map(Node::type_text).unwrap_or_default();
                let rule = "is required, but it was not provided.";
                let argument = argument.name();
                self.fault(
                    place,
                    format!("Field \"{name}\" argument \"{argument}\" of type \"{ty}\" {rule}"),
                );
            }
            self.leaf_rule(node, field);
        }
        self.unique_arguments(node.list("Arguments"));
    }

    fn leaf_rule(&mut self, node: &Node, field: &Node) {
        let Some(ty) = field.part("Type") else { return };
        let Some(definition) = self.schema.ty(ty.type_name()) else { return };
        let (name, place) = (node.name(), node.place());
        match (definition.is_leaf(), node.list("SelectionSet").is_empty()) {
            (true, false) => {
                let rule = format!("since type \"{}\" has no subfields.", definition.name);
                self.fault(place, format!("Field \"{name}\" must not have a selection {rule}"));
            }
            (false, true) => {
                let ty = ty.type_text();
                let hint = format!("Did you mean \"{name} {{ ... }}\"?");
                let text =
                    format!("Field \"{name}\" of type \"{ty}\" must have a selection of subfields. {hint}");
                self.fault(place, text);
            }
            _ => {}
        }
    }

    fn field_hint(&self, parent: &Definition<'n>, name: &str) -> String {
        if parent.is_abstract() {
            let types = self.types_with_field(parent, name);
            if !types.is_empty() {
                return format!(" Did you mean to use an inline fragment on {}?", quoted_or_list(&types));
            }
        }
        if matches!(parent.kind, "OBJECT" | "INTERFACE") {
            return did_you_mean("Did you mean", name, parent.fields.iter().map(|field| field.name()));
        }
        String::new()
    }

    /// The types of an abstract type that have a field, and their interfaces, the most used first.
    fn types_with_field(&self, parent: &Definition<'n>, name: &str) -> Vec<&'n str> {
        let (mut objects, mut interfaces) = (Vec::new(), Vec::<(&str, usize)>::new());
        for possible in self.schema.possible(parent.name).filter(|ty| ty.field(name).is_some()) {
            objects.push((possible.name, 0));
            for interface in &possible.interfaces {
                if self.schema.ty(interface).is_none_or(|ty| ty.field(name).is_none()) {
                    continue;
                }
                match interfaces.iter_mut().find(|(known, _)| known == interface) {
                    Some((_, count)) => *count += 1,
                    None => interfaces.push((interface, 1)),
                }
            }
        }
        interfaces.extend(objects);
        interfaces.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        interfaces.into_iter().map(|(name, _)| name).collect()
    }

    fn is_too_deep(&self, field: &'n Node, visited: &mut Vec<&'n str>, depth: usize) -> bool {
        let lists = matches!(field.name(), "fields" | "interfaces" | "possibleTypes" | "inputFields");
        let depth = depth + usize::from(lists);
        (lists && depth >= 3) || self.is_any_too_deep(field.list("SelectionSet"), visited, depth)
    }

    fn is_any_too_deep(&self, selections: &'n [Node], visited: &mut Vec<&'n str>, depth: usize) -> bool {
        selections.iter().any(|selection| match selection_of(selection) {
            Selection::Field => self.is_too_deep(selection, visited, depth),
            Selection::Inline => self.is_any_too_deep(selection.list("SelectionSet"), visited, depth),
            Selection::Spread => {
                let name = selection.name();
                let Some(fragment) = self.fragment_named(name).filter(|_| !visited.contains(&name)) else {
                    return false;
                };
                visited.push(name);
                let deep = self.is_any_too_deep(fragment.list("SelectionSet"), visited, depth);
                visited.pop();
                deep
            }
        })
    }

    fn inline_fragment(&mut self, parent: Option<&'s Definition<'n>>, node: &'n Node) {
        let condition = node.text("TypeCondition");
        let ty = if condition.is_empty() { parent } else { self.schema.ty(condition) };
        self.directives(node.list("Directives"), "INLINE_FRAGMENT");
        self.selections(ty, node.list("SelectionSet"));
        let place = node.place();
        if self.schema.ty(condition).is_some_and(|ty| !ty.is_composite()) {
            self.fault(place, format!("Fragment cannot condition on non composite type \"{condition}\"."));
        }
        if !condition.is_empty() && ty.is_none() {
            self.fault(place, format!("Unknown type \"{condition}\"."));
        }
        if let Some(parent) = parent.filter(|parent| !self.may_be(parent, condition)) {
            let never =
                format!("as objects of type \"{}\" can never be of type \"{condition}\".", parent.name);
            self.fault(place, format!("Fragment cannot be spread here {never}"));
        }
    }

    fn fragment_spread(&mut self, parent: Option<&'s Definition<'n>>, node: &'n Node) {
        let name = node.name();
        let fragment = self.fragment_named(name);
        self.directives(node.list("Directives"), "FRAGMENT_SPREAD");
        if let Some(fragment) = fragment
            && self.walked.insert(fragment.name())
        {
            let ty = self.schema.ty(fragment.text("TypeCondition"));
            self.directives(fragment.list("Directives"), "FRAGMENT_DEFINITION");
            self.selections(ty, fragment.list("SelectionSet"));
        }
        if fragment.is_none() {
            self.fault(node.place(), format!("Unknown fragment \"{name}\"."));
        }
        if !self.in_fragments {
            self.spread.insert(name);
        }
        let Some(condition) = fragment.map(|fragment| fragment.text("TypeCondition")) else { return };
        if let Some(parent) = parent.filter(|parent| !self.may_be(parent, condition)) {
            let never =
                format!("as objects of type \"{}\" can never be of type \"{condition}\".", parent.name);
            self.fault(node.place(), format!("Fragment \"{name}\" cannot be spread here {never}"));
        }
    }

    /// Some value of the first type may be of the second; types that other rules refuse may be anything.
    fn may_be(&self, parent: &Definition<'n>, fragment: &str) -> bool {
        if !parent.is_composite() || self.schema.ty(fragment).is_none_or(|ty| !ty.is_composite()) {
            return true;
        }
        self.schema.possible(fragment).any(|ty| match parent.kind {
            "OBJECT" => ty.name == parent.name,
            _ => self.schema.possible(parent.name).any(|possible| possible.name == ty.name),
        })
    }

    fn overlapping(&mut self, selections: &'n [Node]) {
        let mut overlaps = std::mem::take(&mut self.overlaps);
        let found = overlaps.within(self, selections);
        self.overlaps = overlaps;
        self.faults.extend(found);
    }
}

/// The arguments that are required and not given.
fn missing<'a>(definition: &'a Node, given: &'a Node) -> impl Iterator<Item = &'a Node> {
    let given = given.list("Arguments");
    let wanted = definition.list("Arguments").iter();
    wanted.filter(move |argument| is_required(argument) && named(given, argument.name()).is_none())
}

/// Spreads below a fragment, the last selection set first.
fn spreads_of(fragment: &Node) -> Vec<&Node> {
    let (mut found, mut sets) = (Vec::new(), vec![fragment.list("SelectionSet")]);
    while let Some(set) = sets.pop() {
        for selection in set {
            match selection_of(selection) {
                Selection::Spread => found.push(selection),
                Selection::Field | Selection::Inline => sets.push(selection.list("SelectionSet")),
            }
        }
    }
    found
}

fn did_you_mean<'a>(prefix: &str, given: &str, known: impl Iterator<Item = &'a str>) -> String {
    let similar = similar(given, known);
    if similar.is_empty() { String::new() } else { format!(" {prefix} {}?", quoted_or_list(&similar)) }
}
