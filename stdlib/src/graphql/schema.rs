//! Schemas: definitions merged with their extensions and what every schema has, checked against each other.
//!
//! The one surprising fact: a directive of a type is not checked for repetition, because extensions add
//! to the same list from other places.

use super::node::{Node, fits, kind, named};
use std::collections::{BTreeMap, HashMap};

/// A type with its extensions.
#[derive(Default)]
pub(super) struct Definition<'n> {
    pub(super) kind: &'n str,
    pub(super) name: &'n str,
    built_in: bool,
    place: Place,
    pub(super) directives: Vec<&'n Node>,
    pub(super) interfaces: Vec<&'n str>,
    pub(super) fields: Vec<&'n Node>,
    types: Vec<&'n str>,
    type_places: Vec<Place>,
    pub(super) values: Vec<&'n Node>,
}

impl<'n> Definition<'n> {
    fn new(node: &'n Node) -> Self {
        Self {
            kind: node.text("Kind"),
            name: node.name(),
            built_in: node.flag("BuiltIn"),
            place: node.place(),
            ..Self::default()
        }
    }

    fn extend(&mut self, node: &'n Node) {
        let texts = |name| node.list(name).iter().map(Node::as_text);
        self.directives.extend(node.list("Directives"));
        self.interfaces.extend(texts("Interfaces"));
        self.fields.extend(node.list("Fields"));
        self.types.extend(texts("Types"));
        self.type_places.extend(node.list("TypePositions").iter().map(|place| match place {
            Node::Place(line, column) => Some((*line, *column)),
            _ => None,
        }));
        self.values.extend(node.list("EnumValues"));
    }

    pub(super) fn field(&self, name: &str) -> Option<&'n Node> {
        self.fields.iter().copied().find(|field| field.name() == name)
    }

    pub(super) fn is_leaf(&self) -> bool {
        matches!(self.kind, "ENUM" | "SCALAR")
    }

    pub(super) fn is_abstract(&self) -> bool {
        matches!(self.kind, "INTERFACE" | "UNION")
    }

    pub(super) fn is_composite(&self) -> bool {
        self.kind == "OBJECT" || self.is_abstract()
    }

    pub(super) fn is_input(&self) -> bool {
        self.is_leaf() || self.kind == "INPUT_OBJECT"
    }
}

/// A schema that holds together.
pub(super) struct Schema<'n> {
    /// Definitions in the order of their text; positions are those of `types`.
    pub(super) definitions: Vec<Definition<'n>>,
    types: HashMap<&'n str, usize>,
    directives: BTreeMap<&'n str, &'n Node>,
    /// Positions of the types that an interface, union or object may be.
    possible: HashMap<&'n str, Vec<usize>>,
    roots: HashMap<&'n str, usize>,
}

type Place = Option<super::node::Place>;
type Checked<T = ()> = Result<T, String>;

fn refuse<T>(place: Place, text: impl std::fmt::Display) -> Checked<T> {
    Err(match place {
        Some((line, column)) => format!("input:{line}:{column}: {text}"),
        None => format!("input:-1:-1: {text}"),
    })
}

fn quoted(name: &str) -> String {
    crate::go::quote(name)
}

fn check_name(place: Place, name: &str) -> Checked {
    if name.starts_with("__") {
        let why = "must not begin with \"__\", which is reserved by GraphQL introspection.";
        return refuse(place, format_args!("Name \"{name}\" {why}"));
    }
    Ok(())
}

/// These may be declared again.
const STANDARD: [&str; 6] = ["include", "skip", "deprecated", "specifiedBy", "defer", "oneOf"];

impl<'n> Schema<'n> {
    /// Makes a schema of what every schema has and a document; `roots` holds the fields of the query root.
    ///
    /// # Errors
    /// The first fault, with its place before it.
    pub(super) fn new(prelude: &'n Node, roots: &'n Node, document: &'n Node) -> Checked<Self> {
        let mut schema = Self {
            definitions: Vec::new(),
            types: HashMap::new(),
            directives: BTreeMap::new(),
            possible: HashMap::new(),
            roots: HashMap::new(),
        };
        schema.define(prelude, document)?;
        schema.find_possible();
        schema.find_directives(prelude, document)?;
        schema.find_roots(document)?;
        let mut names: Vec<_> = schema.types.iter().map(|(name, at)| (*name, *at)).collect();
        names.sort_unstable();
        for (_, at) in names {
            if let Some(definition) = schema.definitions.get(at) {
                schema.check_definition(definition)?;
            }
        }
        for directive in schema.directives.values() {
            check_name(directive.place(), directive.name())?;
            schema.check_arguments(directive.list("Arguments"), Some(directive.name()))?;
        }
        schema.infer_roots(document);
        let introspection = roots.list("Definitions").first().map(|roots| roots.list("Fields"));
        if let Some(query) = schema.roots.get("query").and_then(|at| schema.definitions.get_mut(*at)) {
            query.fields.extend(introspection.into_iter().flatten().take(2));
        }
        Ok(schema)
    }

    pub(super) fn ty(&self, name: &str) -> Option<&Definition<'n>> {
        self.types.get(name).and_then(|at| self.definitions.get(*at))
    }

    pub(super) fn directive(&self, name: &str) -> Option<&'n Node> {
        self.directives.get(name).copied()
    }

    /// The type of an operation.
    pub(super) fn root(&self, operation: &str) -> Option<&Definition<'n>> {
        let operation = if operation.is_empty() { "query" } else { operation };
        self.roots.get(operation).and_then(|at| self.definitions.get(*at))
    }

    /// The types that a value of a type may have.
    pub(super) fn possible(&self, name: &str) -> impl Iterator<Item = &Definition<'n>> {
        self.possible.get(name).into_iter().flatten().filter_map(|at| self.definitions.get(*at))
    }

    fn define(&mut self, prelude: &'n Node, document: &'n Node) -> Checked {
        let given = document.list("Definitions").iter().map(|node| (node, false));
        for (node, built_in) in prelude.list("Definitions").iter().map(|node| (node, true)).chain(given) {
            if self.types.insert(node.name(), self.definitions.len()).is_some() {
                return refuse(node.place(), format_args!("Cannot redeclare type {}.", node.name()));
            }
            let mut definition = Definition::new(node);
            definition.built_in |= built_in;
            definition.extend(node);
            self.definitions.push(definition);
        }
        document.list("Extensions").iter().try_for_each(|extension| self.extend(extension))
    }

    fn extend(&mut self, node: &'n Node) -> Checked {
        let at = *self.types.entry(node.name()).or_insert(self.definitions.len());
        if at == self.definitions.len() {
            self.definitions.push(Definition { built_in: false, ..Definition::new(node) });
        }
        let Some(definition) = self.definitions.get_mut(at) else { return Ok(()) };
        let (name, base, kind) = (definition.name, definition.kind, node.text("Kind"));
        if base != kind {
            let why =
                format_args!("Cannot extend type {name} because the base type is a {base}, not {kind}.");
            return refuse(node.place(), why);
        }
        definition.extend(node);
        Ok(())
    }

    fn find_possible(&mut self) {
        for (at, definition) in self.definitions.iter().enumerate() {
            let possible = &mut self.possible;
            match definition.kind {
                "UNION" => {
                    let members = definition.types.iter().filter_map(|name| self.types.get(name).copied());
                    possible.entry(definition.name).or_default().extend(members);
                }
                "INPUT_OBJECT" | "OBJECT" | "INTERFACE" => {
                    for interface in &definition.interfaces {
                        possible.entry(interface).or_default().push(at);
                    }
                    if definition.kind != "INTERFACE" {
                        possible.entry(definition.name).or_default().push(at);
                    }
                }
                _ => {}
            }
        }
    }

    fn find_directives(&mut self, prelude: &'n Node, document: &'n Node) -> Checked {
        for node in prelude.list("Directives").iter().chain(document.list("Directives")) {
            let name = node.name();
            if self.directives.insert(name, node).is_some() && !STANDARD.contains(&name) {
                return refuse(node.place(), format_args!("Cannot redeclare directive {name}."));
            }
        }
        Ok(())
    }

    fn find_roots(&mut self, document: &'n Node) -> Checked {
        if let [_, second, ..] = document.list("Schema") {
            let why = "Cannot have multiple schema entry points, consider schema extensions instead.";
            return refuse(second.place(), why);
        }
        for node in document.list("Schema").iter().chain(document.list("SchemaExtension")) {
            for root in node.list("OperationTypes") {
                let (operation, name) = (root.text("Operation"), root.text("Type"));
                let Some(at) = self.types.get(name) else {
                    let why =
                        format_args!("Schema root {operation} refers to a type {name} that does not exist.");
                    return refuse(root.place(), why);
                };
                self.roots.insert(operation, *at);
            }
            let directives: Vec<_> = node.list("Directives").iter().collect();
            self.check_directives(&directives, "SCHEMA", None, true)?;
        }
        Ok(())
    }

    /// Roots by their usual names, where the document names none.
    fn infer_roots(&mut self, document: &'n Node) {
        if document.list("Schema").is_empty() {
            for (operation, name) in
                [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")]
            {
                if let Some(at) = self.types.get(name) {
                    self.roots.entry(operation).or_insert(*at);
                }
            }
        }
    }

    fn check_definition(&self, definition: &Definition<'n>) -> Checked {
        let input = definition.kind == "INPUT_OBJECT";
        for field in &definition.fields {
            check_name(field.place(), field.name())?;
            self.check_type(field)?;
            self.check_arguments(field.list("Arguments"), None)?;
            let location = if input { "INPUT_FIELD_DEFINITION" } else { "FIELD_DEFINITION" };
            self.check_directives(
                &field.list("Directives").iter().collect::<Vec<_>>(),
                location,
                None,
                true,
            )?;
        }
        for name in &definition.types {
            match self.ty(name).map(|member| member.kind) {
                None => return refuse(definition.place, format_args!("Undefined type {}.", quoted(name))),
                Some("OBJECT") => {}
                Some(_) => {
                    let why = format_args!("{} type {} must be OBJECT.", definition.kind, quoted(name));
                    return refuse(definition.place, why);
                }
            }
        }
        for interface in &definition.interfaces {
            self.check_interface(definition, interface)?;
        }
        self.check_members(definition)?;
        check_repetition(definition)?;
        if !definition.built_in {
            check_name(definition.place, definition.name)?;
        }
        self.check_directives(&definition.directives, definition.kind, None, false)
    }

    fn check_members(&self, definition: &Definition<'n>) -> Checked {
        let (kind, name) = (definition.kind, definition.name);
        match kind {
            "OBJECT" | "INTERFACE" => {
                if definition.fields.is_empty() {
                    let why = format_args!("{kind} {name}: must define one or more fields.");
                    return refuse(definition.place, why);
                }
                for field in &definition.fields {
                    if self.field_kind(field) == Some("INPUT_OBJECT") {
                        let kinds = "SCALAR, OBJECT, INTERFACE, UNION, ENUM";
                        let why = format_args!("{kind} {name}: field must be one of {kinds}.");
                        return refuse(field.place(), why);
                    }
                }
            }
            "ENUM" => {
                if definition.values.is_empty() {
                    let why = format_args!("{kind} {name}: must define one or more unique enum values.");
                    return refuse(definition.place, why);
                }
                for value in &definition.values {
                    if matches!(value.name(), "true" | "false" | "null") {
                        let why = format_args!("{kind} {name}: non-enum value {}.", value.name());
                        return refuse(definition.place, why);
                    }
                    let directives: Vec<_> = value.list("Directives").iter().collect();
                    self.check_directives(&directives, "ENUM_VALUE", None, true)?;
                }
            }
            "INPUT_OBJECT" => {
                if definition.fields.is_empty() {
                    let why = format_args!("{kind} {name}: must define one or more input fields.");
                    return refuse(definition.place, why);
                }
                for field in &definition.fields {
                    if let Some(kind @ ("OBJECT" | "INTERFACE" | "UNION")) = self.field_kind(field) {
                        let kinds = "SCALAR, ENUM, INPUT_OBJECT";
                        let why = format_args!("{kind} {}: field must be one of {kinds}.", field.name());
                        return refuse(field.place(), why);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn field_kind(&self, field: &Node) -> Option<&'n str> {
        Some(self.ty(field.part("Type")?.type_name())?.kind)
    }

    fn check_type(&self, node: &Node) -> Checked {
        let ty = node.part("Type");
        let name = ty.map_or("", Node::type_name);
        if self.ty(name).is_none() {
            return refuse(ty.and_then(Node::place), format_args!("Undefined type {name}."));
        }
        Ok(())
    }

    fn check_arguments(&self, arguments: &'n [Node], directive: Option<&str>) -> Checked {
        for argument in arguments {
            check_name(argument.place(), argument.name())?;
            self.check_type(argument)?;
            let ty = argument.part("Type");
            if let Some(definition) = ty.and_then(|ty| self.ty(ty.type_name()))
                && !definition.is_input()
            {
                let ty = ty.map(Node::type_text).unwrap_or_default();
                let (name, kind) = (argument.name(), definition.kind);
                let why = format_args!(
                    "cannot use {ty} as argument {name} because {kind} is not a valid input type"
                );
                return refuse(argument.place(), why);
            }
            let directives: Vec<_> = argument.list("Directives").iter().collect();
            self.check_directives(&directives, "ARGUMENT_DEFINITION", directive, true)?;
        }
        Ok(())
    }

    fn check_directives(
        &self,
        directives: &[&'n Node],
        location: &str,
        inside: Option<&str>,
        one_place: bool,
    ) -> Checked {
        let mut seen: Vec<&str> = Vec::new();
        for directive in directives {
            let (name, place) = (directive.name(), directive.place());
            check_name(place, name)?;
            if inside == Some(name) {
                return refuse(place, format_args!("Directive {name} cannot refer to itself."));
            }
            let Some(definition) = self.directive(name) else {
                return refuse(place, format_args!("Undefined directive {name}."));
            };
            if one_place && seen.contains(&name) && !definition.flag("IsRepeatable") {
                let why = format_args!("The directive {name} can only be used once at this location.");
                return refuse(place, why);
            }
            seen.push(name);
            if !definition.list("Locations").iter().any(|known| known.as_text() == location) {
                return refuse(place, format_args!("Directive {name} is not applicable on {location}."));
            }
            check_directive_arguments(directive, definition)?;
        }
        Ok(())
    }

    fn check_interface(&self, definition: &Definition<'n>, name: &str) -> Checked {
        let place = definition.place;
        let Some(interface) = self.ty(name) else {
            return refuse(place, format_args!("Undefined type {}.", quoted(name)));
        };
        if interface.kind != "INTERFACE" {
            let why = format_args!("{} is a non interface type {}.", quoted(name), interface.kind);
            return refuse(place, why);
        }
        for required in &interface.fields {
            self.check_implementation(definition, interface, required)?;
        }
        for ancestor in &interface.interfaces {
            if definition.interfaces.contains(ancestor) {
                continue;
            }
            let own = definition.name;
            if *ancestor == own {
                let why = "because it would create a circular reference.";
                return refuse(place, format_args!("Type {own} cannot implement {name} {why}"));
            }
            let why =
                format_args!("Type {own} must implement {ancestor} because it is implemented by {name}.");
            return refuse(place, why);
        }
        Ok(())
    }

    fn check_implementation(
        &self,
        definition: &Definition<'n>,
        interface: &Definition<'n>,
        required: &Node,
    ) -> Checked {
        let name = required.name();
        let head = format!("For {} to implement {}", definition.name, interface.name);
        let Some(found) = definition.field(name) else {
            return refuse(definition.place, format_args!("{head} it must have a field called {name}."));
        };
        let covariant = match (required.part("Type"), found.part("Type")) {
            (Some(required), Some(found)) => self.is_covariant(required, found),
            _ => true,
        };
        if !covariant {
            let ty = required.part("Type").map(Node::type_text).unwrap_or_default();
            return refuse(found.place(), format_args!("{head} the field {name} must have type {ty}."));
        }
        for argument in required.list("Arguments") {
            let same = format!("{head} the field {name} must have the same arguments but");
            let Some(given) = named(found.list("Arguments"), argument.name()) else {
                return refuse(found.place(), format_args!("{same} it is missing {}.", argument.name()));
            };
            if let (Some(wanted), Some(ty)) = (argument.part("Type"), given.part("Type"))
                && !fits(wanted, wanted.flag("NonNull"), ty, ty.flag("NonNull"))
            {
                return refuse(given.place(), format_args!("{same} {} has the wrong type.", argument.name()));
            }
        }
        for given in found.list("Arguments") {
            if named(required.list("Arguments"), given.name()).is_none() && is_required(given) {
                let rule = "must be optional or have a default value but";
                let argument = given.name();
                let why =
                    format_args!("{head} any additional arguments on {name} {rule} {argument} is required.");
                return refuse(given.place(), why);
            }
        }
        Ok(())
    }

    fn is_covariant(&self, required: &Node, actual: &Node) -> bool {
        if required.flag("NonNull") && !actual.flag("NonNull") {
            return false;
        }
        let (wanted, given) = (required.text("NamedType"), actual.text("NamedType"));
        if !wanted.is_empty() {
            return wanted == given || self.possible(wanted).any(|possible| possible.name == given);
        }
        match (required.part("Elem"), actual.part("Elem")) {
            (Some(required), Some(actual)) => self.is_covariant(required, actual),
            (wanted, _) => wanted.is_none(),
        }
    }
}

/// An argument that has to be given.
pub(super) fn is_required(argument: &Node) -> bool {
    argument.part("Type").is_some_and(|ty| ty.flag("NonNull")) && argument.part("DefaultValue").is_none()
}

fn check_directive_arguments(directive: &Node, definition: &Node) -> Checked {
    let name = directive.name();
    for argument in directive.list("Arguments") {
        if named(definition.list("Arguments"), argument.name()).is_none() {
            let why = format_args!("Undefined argument {} for directive {name}.", argument.name());
            return refuse(argument.place(), why);
        }
    }
    for wanted in definition.list("Arguments").iter().filter(|argument| is_required(argument)) {
        let given = named(directive.list("Arguments"), wanted.name()).and_then(|given| given.part("Value"));
        if given.is_none_or(|value| value.kind() == kind::NULL) {
            let why = format_args!("Argument {} for directive {name} cannot be null.", wanted.name());
            return refuse(directive.place(), why);
        }
    }
    Ok(())
}

/// The second of two nodes with one name: the one whose twin comes first.
fn repeated<'n>(nodes: &[&'n Node]) -> Option<&'n Node> {
    let twin =
        |at: usize, node: &&'n Node| nodes.iter().skip(at + 1).find(|other| other.name() == node.name());
    nodes.iter().enumerate().find_map(|(at, node)| twin(at, node)).copied()
}

fn check_repetition(definition: &Definition<'_>) -> Checked {
    let name = definition.name;
    if let Some(field) = repeated(&definition.fields) {
        let why = format_args!("Field {name}.{} can only be defined once.", field.name());
        return refuse(field.place(), why);
    }
    if let Some(value) = repeated(&definition.values) {
        let why = format_args!("Enum value {name}.{} can only be defined once.", value.name());
        return refuse(value.place(), why);
    }
    let types = &definition.types;
    for (at, ty) in types.iter().enumerate() {
        if let Some(twin) = (at + 1..types.len()).find(|twin| types.get(*twin) == Some(ty)) {
            let known = definition.type_places.len() == types.len();
            let place = definition.type_places.get(twin).copied().flatten().filter(|_| known);
            let why = format_args!("Union type {name} can only include type {ty} once.");
            return refuse(place.or(definition.place), why);
        }
    }
    Ok(())
}
