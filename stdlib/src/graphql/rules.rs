//! Whether a query fits a schema: one walk over its operations and fragments that asks every rule.
//!
//! The one surprising fact: faults are listed in the order in which OPA's library finds them, which asks
//! the rules of one place by their names, because a policy sees the list as one text.

use super::node::{Node, fits, kind, named};
use super::overlap::Overlaps;
use super::schema::{Definition, Schema, is_required};
use super::suggest::{or_list, quoted_or_list, similar};
use std::collections::{HashMap, HashSet};

pub(super) type Place = Option<super::node::Place>;

/// What a selected field is.
#[derive(Clone, Copy, Default)]
pub(super) struct Selected<'s, 'n> {
    /// The type that it is selected of.
    pub(super) parent: Option<&'s Definition<'n>>,
    pub(super) field: Option<&'n Node>,
}

/// What a value is expected to be.
#[derive(Clone, Copy, Default)]
struct Expected<'s, 'n> {
    ty: Option<&'n Node>,
    definition: Option<&'s Definition<'n>>,
    has_default: bool,
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

    /// What the value of an argument or of a field of an input object is expected to be.
    fn expected(&self, known: &'n Node) -> Expected<'s, 'n> {
        let ty = known.part("Type");
        let has_default = known.part("DefaultValue").is_some_and(|value| value.kind() != kind::NULL);
        Expected { ty, definition: ty.and_then(|ty| self.schema.ty(ty.type_name())), has_default }
    }

    fn variable(&self, value: &Node) -> Option<&'n Node> {
        let known = self.operation?.list("VariableDefinitions");
        let mut known = known.iter().filter(|_| value.kind() == kind::VARIABLE);
        known.find(|variable| variable.text("Variable") == value.text("Raw"))
    }

    fn value(&mut self, value: &'n Node, expected: Expected<'s, 'n>) {
        if let Some(variable) = self.variable(value) {
            self.used_variables.insert(std::ptr::from_ref(variable));
        }
        let element = expected.ty.and_then(|ty| ty.part("Elem"));
        for child in value.list("Children") {
            let Some(inner) = child.part("Value") else { continue };
            let inner_expected = match value.kind() {
                kind::OBJECT => expected
                    .definition
                    .and_then(|definition| definition.field(child.name()))
                    .map(|field| self.expected(field))
                    .unwrap_or_default(),
                kind::LIST if element.is_some() => {
                    Expected { ty: element, definition: expected.definition, has_default: false }
                }
                _ => Expected::default(),
            };
            self.value(inner, inner_expected);
        }
        self.value_rules(value, expected);
    }

    fn value_rules(&mut self, value: &'n Node, expected: Expected<'s, 'n>) {
        let variable = self.variable(value);
        if let Some(operation) = self.operation
            && value.kind() == kind::VARIABLE
            && variable.is_none()
        {
            let by = match operation.name() {
                "" => String::new(),
                name => format!(" by operation \"{name}\""),
            };
            self.fault(value.place(), format!("Variable \"{}\" is not defined{by}.", value.value_text()));
        }
        if value.kind() == kind::OBJECT {
            let mut seen = HashSet::new();
            for field in value.list("Children") {
                if !seen.insert(field.name()) {
                    let text = format!("There can be only one input field named \"{}\".", field.name());
                    self.fault(field.place(), text);
                }
            }
        }
        if let (Some(ty), Some(definition)) = (expected.ty, expected.definition) {
            self.value_type_rule(value, ty, definition);
        }
        if let (Some(variable), Some(ty)) = (variable, expected.ty) {
            self.variable_position_rule(value, variable, ty, expected.has_default);
        }
        if let Some(definition) = expected.definition.filter(|_| value.kind() == kind::OBJECT) {
            self.one_of_variables(value, definition);
        }
    }

    fn variable_position_rule(&mut self, value: &Node, variable: &Node, ty: &Node, has_default: bool) {
        let Some(given) = variable.part("Type") else { return };
        let own_default = variable.part("DefaultValue").is_some_and(|value| value.kind() != kind::NULL);
        let needed = ty.flag("NonNull") && !own_default && !has_default;
        if !fits(given, given.flag("NonNull"), ty, needed) {
            let (value_text, given, ty) = (value.value_text(), given.type_text(), ty.type_text());
            let text = format!(
                "Variable \"{value_text}\" of type \"{given}\" used in position expecting type \"{ty}\"."
            );
            self.fault(value.place(), text);
        }
    }

    fn one_of_variables(&mut self, value: &'n Node, definition: &Definition<'n>) {
        if !definition.directives.iter().any(|directive| directive.name() == "oneOf") {
            return;
        }
        for child in value.list("Children").iter().filter_map(|child| child.part("Value")) {
            let Some(variable) = self.variable(child) else { continue };
            let Some(ty) = variable.part("Type").filter(|ty| !ty.flag("NonNull")) else { continue };
            let (text, ty, name) = (child.value_text(), ty.type_text(), definition.name);
            let rule = "but must be non-nullable to be used for OneOf Input Object";
            let text = format!("Variable \"{text}\" is of type \"{ty}\" {rule} \"{name}\".");
            self.fault(variable.place(), text);
        }
    }

    fn value_type_rule(&mut self, value: &'n Node, ty: &'n Node, definition: &Definition<'n>) {
        let place = value.place();
        if value.kind() == kind::NULL && ty.flag("NonNull") {
            let text =
                format!("Expected value of type \"{}\", found {}.", ty.type_text(), value.value_text());
            self.fault(place, text);
        }
        let is = |names: &[&str]| names.contains(&definition.name);
        if definition.kind == "SCALAR" && !is(&["Int", "Float", "String", "Boolean", "ID"]) {
            return;
        }
        let unexpected = unexpected(value, ty, definition);
        let values = || definition.values.iter().map(|value| value.name());
        let hint = "Did you mean the enum value";
        if is_out_of_range(value) {
            self.fault(place, unexpected.clone());
        }
        let raw = value.text("Raw");
        let wrong = match value.kind() {
            kind::LIST => ty.part("Elem").is_none(),
            kind::INT => !is(&["Int", "Float", "ID"]),
            kind::FLOAT => !is(&["Float"]),
            kind::BOOLEAN => !is(&["Boolean"]),
            kind::STRING | kind::BLOCK if definition.kind == "ENUM" => {
                let (ty, shown) = (ty.type_text(), value.value_text());
                let hint = did_you_mean(hint, raw, values());
                self.fault(place, format!("Enum \"{ty}\" cannot represent non-enum value: {shown}.{hint}"));
                false
            }
            kind::STRING | kind::BLOCK => !is(&["String", "ID"]),
            kind::ENUM if definition.kind != "ENUM" => {
                let similar = similar(raw, values());
                let hint = if similar.is_empty() {
                    String::new()
                } else {
                    format!(" {hint} {}?", or_list(&similar))
                };
                self.fault(place, format!("{unexpected}{hint}"));
                false
            }
            kind::ENUM if !values().any(|known| known == raw) => {
                let hint = did_you_mean(hint, raw, values());
                let text = format!("Value \"{raw}\" does not exist in \"{}\" enum.{hint}", ty.type_text());
                self.fault(place, text);
                false
            }
            kind::OBJECT => {
                self.object_rule(value, definition);
                false
            }
            _ => false,
        };
        if wrong {
            self.fault(place, unexpected);
        }
    }

    fn object_rule(&mut self, value: &'n Node, definition: &Definition<'n>) {
        let (children, place, name) = (value.list("Children"), value.place(), definition.name);
        for field in &definition.fields {
            let Some(ty) = field.part("Type") else { continue };
            let given = named(children, field.name()).is_some();
            if ty.flag("NonNull") && !given && field.part("DefaultValue").is_none() {
                let (field, ty) = (field.name(), ty.type_text());
                let text = format!("Field \"{name}.{field}\" of required type \"{ty}\" was not provided.");
                self.fault(place, text);
            }
        }
        for _ in definition.directives.iter().filter(|directive| directive.name() == "oneOf") {
            let [only] = children else {
                self.fault(place, format!("OneOf Input Object \"{name}\" must specify exactly one key."));
                continue;
            };
            let Some(inner) = only.part("Value") else { continue };
            if inner.kind() == kind::NULL {
                let field = definition.fields.first().map_or("", |field| field.name());
                self.fault(inner.place(), format!("Field \"{name}.{field}\" must be non-null."));
            }
        }
        for child in children.iter().filter(|child| definition.field(child.name()).is_none()) {
            let known = definition.fields.iter().map(|field| field.name());
            let hint = did_you_mean("Did you mean", child.name(), known);
            let text = format!("Field \"{}\" is not defined by type \"{name}\".{hint}", child.name());
            self.fault(child.place(), text);
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

/// A number in the value is not of 64 bits.
fn is_out_of_range(value: &Node) -> bool {
    let raw = value.text("Raw");
    match value.kind() {
        kind::INT => raw.parse::<i64>().is_err(),
        kind::FLOAT => raw.parse::<f64>().map_or(true, f64::is_infinite),
        kind::LIST | kind::OBJECT => {
            value.list("Children").iter().filter_map(|child| child.part("Value")).any(is_out_of_range)
        }
        _ => false,
    }
}

fn unexpected(value: &Node, ty: &Node, definition: &Definition<'_>) -> String {
    let (ty, shown) = (ty.type_text(), value.value_text());
    match ty.as_str() {
        "Int" | "Int!" => {
            let digits = value.text("Raw").strip_prefix(['-', '+']).unwrap_or(value.text("Raw"));
            let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if is_integer && value.text("Raw").parse::<i32>().is_err() {
                return format!("Int cannot represent non 32-bit signed integer value: {shown}");
            }
            format!("Int cannot represent non-integer value: {shown}")
        }
        "String" | "String!" | "[String]" => format!("String cannot represent a non string value: {shown}"),
        "Boolean" | "Boolean!" => format!("Boolean cannot represent a non boolean value: {shown}"),
        "Float" | "Float!" => format!("Float cannot represent non numeric value: {shown}"),
        "ID" | "ID!" => format!("ID cannot represent a non-string and non-integer value: {shown}"),
        _ if definition.kind == "ENUM" => format!("Enum \"{ty}\" cannot represent non-enum value: {shown}."),
        _ => format!("Expected value of type \"{ty}\", found {shown}."),
    }
}
