//! Whether values fit the types that they are given for.
//!
//! The one surprising fact: a list or object is judged after its parts, so that the innermost fault is told first.

use super::super::node::{Node, fits, kind, named};
use super::super::schema::Definition;
use super::super::suggest::{or_list, similar};
use super::{Walk, did_you_mean};
use std::collections::HashSet;

/// What a value is expected to be.
#[derive(Clone, Copy, Default)]
pub(super) struct Expected<'s, 'n> {
    pub(super) ty: Option<&'n Node>,
    pub(super) definition: Option<&'s Definition<'n>>,
    pub(super) has_default: bool,
}

impl<'s, 'n> Walk<'s, 'n> {
    /// What the value of an argument or of a field of an input object is expected to be.
    pub(super) fn expected(&self, known: &'n Node) -> Expected<'s, 'n> {
        let ty = known.part("Type");
        let has_default = known.part("DefaultValue").is_some_and(|value| value.kind() != kind::NULL);
        Expected { ty, definition: ty.and_then(|ty| self.schema.ty(ty.type_name())), has_default }
    }

    pub(super) fn variable(&self, value: &Node) -> Option<&'n Node> {
        let known = self.operation?.list("VariableDefinitions");
        let mut known = known.iter().filter(|_| value.kind() == kind::VARIABLE);
        known.find(|variable| variable.text("Variable") == value.text("Raw"))
    }

    pub(super) fn value(&mut self, value: &'n Node, expected: Expected<'s, 'n>) {
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
