//! Whether a document is a schema.
//!
//! The one surprising fact: only keywords are judged; what is no keyword is ignored.

use super::referred;
use crate::operand::failed;
use crate::{BuiltinError, Cache};
use govc_value::{Kind, Object, Value, View};

type Check = Result<(), BuiltinError>;

const MAX_DEPTH: usize = 200;
const TYPES: [&str; 7] = ["array", "boolean", "integer", "number", "null", "object", "string"];

/// Checks a schema and those inside it.
///
/// # Errors
/// OPA's text of the first fault.
pub(super) fn check(cache: &mut Cache, root: Value<'_>, schema: Value<'_>) -> Check {
    if !matches!(schema.kind(), Kind::Bool | Kind::Object) {
        return failed("schema is invalid");
    }
    Checker { cache, root }.schema(schema, 0)
}

struct Checker<'c, 'q> {
    cache: &'c mut Cache,
    root: Value<'q>,
}

fn invalid_type(expected: &str, given: &str) -> Check {
    failed(format!("Invalid type. Expected: {expected}, given: {given}"))
}

impl<'q> Checker<'_, 'q> {
    fn schema(&mut self, schema: Value<'q>, depth: usize) -> Check {
        if depth > MAX_DEPTH {
            return Err(BuiltinError::Limit(format!("schema nests deeper than {MAX_DEPTH}")));
        }
        let object = match schema.view() {
            View::Bool(_) => return Ok(()),
            View::Object(object) => object,
            _ => return failed("Expected: Valid Schema, given: Invalid JSON"),
        };
        if let Some(reference) = object.get_str("$ref").as_str() {
            return match referred(self.root, reference) {
                Some(_) => self.definitions(object, depth),
                None if reference.starts_with('#') => {
                    failed(format!("Object has no key '{}'", last(reference)))
                }
                None => failed(format!("remote reference loading disabled: {reference}")),
            };
        }
        self.definitions(object, depth)?;
        types(object.get_str("type"))?;
        self.properties(object, depth)?;
        self.items(object, depth)?;
        numbers(object)?;
        self.pattern(object)?;
        lists(object)?;
        self.nested(object, depth)
    }

    fn definitions(&mut self, object: Object<'q>, depth: usize) -> Check {
        match object.get_str("definitions").view() {
            View::Undefined => Ok(()),
            View::Object(definitions) => {
                definitions.values().iter().try_for_each(|schema| self.schema(*schema, depth + 1))
            }
            _ => invalid_type("Array Of Schemas", "definitions"),
        }
    }

    fn properties(&mut self, object: Object<'q>, depth: usize) -> Check {
        match object.get_str("properties").view() {
            View::Undefined => {}
            View::Object(properties) => {
                properties.values().iter().try_for_each(|schema| self.schema(*schema, depth + 1))?;
            }
            _ => return failed("Properties must be of type object"),
        }
        let additional = object.get_str("additionalProperties");
        match additional.kind() {
            Kind::Undefined | Kind::Bool => {}
            Kind::Object => self.schema(additional, depth + 1)?,
            _ => return invalid_type("boolean/Valid Schema", "additionalProperties"),
        }
        match object.get_str("patternProperties").view() {
            View::Undefined => {}
            View::Object(patterns) => {
                for (pattern, schema) in patterns.iter() {
                    let pattern = pattern.as_str().unwrap_or_default();
                    if crate::patterns::cached(self.cache, pattern).is_err() {
                        return failed(format!("Invalid regex pattern '{pattern}'"));
                    }
                    self.schema(schema, depth + 1)?;
                }
            }
            _ => return invalid_type("Valid Schema", "patternProperties"),
        }
        match object.get_str("dependencies").view() {
            View::Undefined => Ok(()),
            View::Object(dependencies) => {
                dependencies.values().iter().try_for_each(|value| match value.kind() {
                    Kind::Array => Ok(()),
                    _ => self.schema(*value, depth + 1),
                })
            }
            _ => failed("dependencies must be of type object"),
        }
    }

    fn items(&mut self, object: Object<'q>, depth: usize) -> Check {
        let items = object.get_str("items");
        match items.view() {
            View::Undefined => {}
            View::Array(list) => {
                list.as_slice().iter().try_for_each(|schema| self.schema(*schema, depth + 1))?;
            }
            View::Object(_) | View::Bool(_) => self.schema(items, depth + 1)?,
            _ => return invalid_type("Valid Schema/Array Of Schemas", "items"),
        }
        let additional = object.get_str("additionalItems");
        match additional.kind() {
            Kind::Undefined | Kind::Bool => Ok(()),
            Kind::Object => self.schema(additional, depth + 1),
            _ => invalid_type("boolean/Valid Schema", "additionalItems"),
        }
    }

    fn pattern(&mut self, object: Object<'q>) -> Check {
        let pattern = object.get_str("pattern");
        match pattern.as_str() {
            Some(text) if crate::patterns::cached(self.cache, text).is_err() => {
                failed("pattern must be a valid regex")
            }
            None if !pattern.is_undefined() => invalid_type("string", "pattern"),
            _ => Ok(()),
        }
    }

    fn nested(&mut self, object: Object<'q>, depth: usize) -> Check {
        for name in ["propertyNames", "contains", "not", "if", "then", "else"] {
            let schema = object.get_str(name);
            match schema.kind() {
                Kind::Undefined => {}
                Kind::Bool | Kind::Object => self.schema(schema, depth + 1)?,
                _ => return failed(format!("{name} must be of an object")),
            }
        }
        for name in ["oneOf", "anyOf", "allOf"] {
            let list = object.get_str(name);
            match list.view() {
                View::Undefined => {}
                View::Array(list) => {
                    list.as_slice().iter().try_for_each(|schema| self.schema(*schema, depth + 1))?;
                }
                _ => return failed(format!("{name} must be of an array")),
            }
        }
        Ok(())
    }
}

fn last(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

fn types(value: Value<'_>) -> Check {
    let one = |value: Value<'_>| match value.as_str() {
        None => invalid_type("type", "string/Array Of Strings"),
        Some(name) if TYPES.contains(&name) => Ok(()),
        Some(name) => failed(format!(
            "has a primitive type that is NOT VALID -- given: /{name}/ Expected valid values are:[{}]",
            TYPES.join(" ")
        )),
    };
    match value.view() {
        View::Undefined => Ok(()),
        View::Array(list) => list.as_slice().iter().try_for_each(|value| one(*value)),
        _ => one(value),
    }
}

fn numbers(object: Object<'_>) -> Check {
    let number = |name: &str| object.get_str(name);
    let multiple = number("multipleOf");
    if !multiple.is_undefined() && multiple.as_number().is_none() {
        return invalid_type("Number", "multipleOf");
    }
    if multiple.as_number().is_some_and(|n| n.signum() <= 0) {
        return failed("multipleOf must be strictly greater than 0");
    }
    for name in ["minimum", "maximum"] {
        let value = number(name);
        if !value.is_undefined() && value.as_number().is_none() {
            return failed(format!("{name} must be of a Number"));
        }
    }
    for (name, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match number(name).kind() {
            Kind::Undefined | Kind::Number => {}
            Kind::Bool if number(bound).is_undefined() => {
                return failed(format!("{name} cannot be used without {bound}"));
            }
            Kind::Bool => {}
            _ => return invalid_type("boolean/number", name),
        }
    }
    for (low, high) in
        [("minLength", "maxLength"), ("minProperties", "maxProperties"), ("minItems", "maxItems")]
    {
        for name in [low, high] {
            let value = number(name);
            match (value.is_undefined(), value.as_int()) {
                (true, _) => {}
                (_, None) => return failed(format!("{name} must be of an integer")),
                (_, Some(n)) if n < 0 => return failed(format!("{name} must be greater than or equal to 0")),
                _ => {}
            }
        }
        let reversed = matches!((number(low).as_int(), number(high).as_int()), (Some(a), Some(b)) if a > b);
        if reversed && low != "minItems" {
            return failed(format!("{low} cannot be greater than {high}"));
        }
    }
    Ok(())
}

fn lists(object: Object<'_>) -> Check {
    let unique = object.get_str("uniqueItems");
    if !matches!(unique.kind(), Kind::Undefined | Kind::Bool) {
        return failed("uniqueItems must be of a boolean");
    }
    for name in ["required", "enum"] {
        let value = object.get_str(name);
        let Some(list) = value.as_array() else {
            if value.is_undefined() {
                continue;
            }
            return failed(format!("{name} must be of an array"));
        };
        if name == "required" && list.as_slice().iter().any(|e| e.as_str().is_none()) {
            return invalid_type("string", "required");
        }
        let mut sorted = list.as_slice().to_vec();
        sorted.sort();
        if sorted.windows(2).any(|pair| pair.first() == pair.last()) {
            return failed(format!("{name} items must be unique"));
        }
    }
    Ok(())
}
