//! Validation of a document by a schema that was checked.
//!
//! The one surprising fact: of several alternatives that fail, the faults of the one that came
//! furthest are reported, by a score that counts what held.

use super::{format, referred};
use crate::bigfloat::BigFloat;
use crate::encoding::marshal;
use crate::operand::{kind_name, number_text};
use crate::{BuiltinError, Cache};
use govc_value::{Array, Object, Value, View};

const MAX_DEPTH: usize = 200;

/// A fault, in OPA's words.
pub(super) struct Fault {
    pub(super) kind: &'static str,
    pub(super) field: String,
    pub(super) description: String,
}

/// Faults so far, and how much held.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) faults: Vec<Fault>,
    score: i64,
}

impl Outcome {
    fn add(&mut self, kind: &'static str, path: &str, description: impl Into<String>) {
        let field = path.strip_prefix("(Root).").unwrap_or(path).to_owned();
        self.faults.push(Fault { kind, field, description: description.into() });
        // Two steps back: one forward follows at the end of each group of keywords.
        self.score -= 2;
    }
    fn merge(&mut self, other: Self) {
        self.faults.extend(other.faults);
        self.score += other.score;
    }
    fn valid(&self) -> bool {
        self.faults.is_empty()
    }
}

type Check = Result<(), BuiltinError>;

pub(super) struct Validator<'c, 'q> {
    pub(super) cache: &'c mut Cache,
    pub(super) root: Value<'q>,
    pub(super) depth: usize,
}

fn type_of(node: Value<'_>) -> &'static str {
    match node.as_number() {
        Some(number) if number.is_integer() => "integer",
        _ => kind_name(node),
    }
}

fn type_names<'q>(value: Value<'q>) -> Vec<&'q str> {
    match value.view() {
        View::String(name) => vec![name],
        View::Array(list) => list.as_slice().iter().filter_map(|name| name.as_str()).collect(),
        _ => Vec::new(),
    }
}

impl<'q> Validator<'_, 'q> {
    pub(super) fn validate(
        &mut self,
        schema: Value<'q>,
        node: Value<'q>,
        path: &str,
        out: &mut Outcome,
    ) -> Check {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(BuiltinError::Limit(format!("validation nests deeper than {MAX_DEPTH}")));
        }
        let result = self.dispatch(schema, node, path, out);
        self.depth -= 1;
        result
    }

    fn dispatch(&mut self, schema: Value<'q>, node: Value<'q>, path: &str, out: &mut Outcome) -> Check {
        let keys = match schema.view() {
            View::Bool(pass) => {
                if !pass {
                    out.add("false", path, "False always fails validation");
                }
                return Ok(());
            }
            View::Object(keys) => keys,
            _ => return Ok(()),
        };
        if let Some(reference) = keys.get_str("$ref").as_str() {
            return match referred(self.root, reference) {
                Some(target) => self.validate(target, node, path, out),
                None => Ok(()),
            };
        }
        let names = type_names(keys.get_str("type"));
        let given = type_of(node);
        let fits = names.contains(&given) || given == "integer" && names.contains(&"number");
        if !names.is_empty() && !fits {
            let expected = if let [one] = names.as_slice() {
                (*one).to_owned()
            } else {
                format!("[{}]", names.join(","))
            };
            out.add("invalid_type", path, format!("Invalid type. Expected: {expected}, given: {given}"));
            return Ok(());
        }
        self.combined(keys, node, path, out)?;
        match node.view() {
            View::Array(array) => {
                self.array(keys, array, path, out)?;
                common(keys, node, path, out);
            }
            View::Set(set) => {
                for (index, element) in set.as_slice().iter().enumerate() {
                    self.validate(keys.get_str("items"), *element, &format!("{path}.{index}"), out)?;
                }
            }
            View::Object(object) => {
                self.object(keys, object, path, out)?;
                common(keys, node, path, out);
                for (name, schema) in keys.get_str("properties").as_object().iter().flat_map(|o| o.iter()) {
                    let value = object.get(name);
                    if !value.is_undefined() {
                        self.validate(schema, value, &format!("{path}.{}", shown(name)), out)?;
                    }
                }
            }
            View::Number(_) => {
                number(keys, node, path, out);
                common(keys, node, path, out);
            }
            View::String(text) => {
                common(keys, node, path, out);
                self.string(keys, text, path, out);
            }
            _ => common(keys, node, path, out),
        }
        out.score += 1;
        Ok(())
    }

    fn alone(&mut self, schema: Value<'q>, node: Value<'q>, path: &str) -> Result<Outcome, BuiltinError> {
        let mut outcome = Outcome::default();
        self.validate(schema, node, path, &mut outcome)?;
        Ok(outcome)
    }

    /// How many alternatives hold, and the best of those that do not.
    fn alternatives(
        &mut self,
        schemas: &[Value<'q>],
        node: Value<'q>,
        path: &str,
        first_only: bool,
    ) -> Result<(usize, Option<Outcome>), BuiltinError> {
        let (mut held, mut best) = (0, None::<Outcome>);
        for schema in schemas {
            let outcome = self.alone(*schema, node, path)?;
            if outcome.valid() {
                held += 1;
                if first_only {
                    break;
                }
            } else if held == 0 && best.as_ref().is_none_or(|best| outcome.score > best.score) {
                best = Some(outcome);
            }
        }
        Ok((held, best))
    }

    fn combined(&mut self, keys: Object<'q>, node: Value<'q>, path: &str, out: &mut Outcome) -> Check {
        let list = |name: &str| keys.get_str(name).as_array().map_or(&[][..], Array::as_slice);
        let any_of = list("anyOf");
        if !any_of.is_empty() {
            let (held, best) = self.alternatives(any_of, node, path, true)?;
            if held == 0 {
                out.add("number_any_of", path, "Must validate at least one schema (anyOf)");
                best.into_iter().for_each(|best| out.merge(best));
            }
        }
        let one_of = list("oneOf");
        if !one_of.is_empty() {
            let (held, best) = self.alternatives(one_of, node, path, false)?;
            if held != 1 {
                out.add("number_one_of", path, "Must validate one and only one schema (oneOf)");
                best.into_iter().filter(|_| held == 0).for_each(|best| out.merge(best));
            }
        }
        let all_of = list("allOf");
        let mut held = 0;
        for schema in all_of {
            let outcome = self.alone(*schema, node, path)?;
            held += usize::from(outcome.valid());
            out.merge(outcome);
        }
        if held != all_of.len() {
            out.add("number_all_of", path, "Must validate all the schemas (allOf)");
        }
        let not = keys.get_str("not");
        if !not.is_undefined() && self.alone(not, node, path)?.valid() {
            out.add("number_not", path, "Must not validate the schema (not)");
        }
        self.dependencies(keys, node, path, out)?;
        self.condition(keys, node, path, out)?;
        out.score += 1;
        Ok(())
    }

    fn dependencies(&mut self, keys: Object<'q>, node: Value<'q>, path: &str, out: &mut Outcome) -> Check {
        let (Some(object), Some(dependencies)) = (node.as_object(), keys.get_str("dependencies").as_object())
        else {
            return Ok(());
        };
        for name in object.keys() {
            let dependency = dependencies.get(*name);
            match dependency.view() {
                View::Array(names) => {
                    for needed in names.as_slice().iter().filter(|needed| object.get(**needed).is_undefined())
                    {
                        out.add(
                            "missing_dependency",
                            path,
                            format!("Has a dependency on {}", shown(*needed)),
                        );
                    }
                }
                View::Object(_) | View::Bool(_) => self.validate(dependency, node, path, out)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn condition(&mut self, keys: Object<'q>, node: Value<'q>, path: &str, out: &mut Outcome) -> Check {
        let test = keys.get_str("if");
        if test.is_undefined() {
            return Ok(());
        }
        let (name, kind, text) = if self.alone(test, node, path)?.valid() {
            ("then", "condition_then", r#"Must validate "then" as "if" was valid"#)
        } else {
            ("else", "condition_else", r#"Must validate "else" as "if" was not valid"#)
        };
        let branch = keys.get_str(name);
        if branch.is_undefined() {
            return Ok(());
        }
        let outcome = self.alone(branch, node, path)?;
        if !outcome.valid() {
            out.add(kind, path, text);
            out.merge(outcome);
        }
        Ok(())
    }

    fn array(&mut self, keys: Object<'q>, array: Array<'q>, path: &str, out: &mut Outcome) -> Check {
        let all = array.as_slice();
        let items = keys.get_str("items");
        let additional = keys.get_str("additionalItems");
        let positional = items.as_array().map(Array::as_slice);
        for (index, element) in all.iter().enumerate() {
            let schema = match positional {
                None => items,
                Some(list) => list.get(index).copied().unwrap_or(additional),
            };
            let beyond = positional.is_some_and(|list| !list.is_empty() && index >= list.len());
            if beyond && schema.as_bool() == Some(false) {
                out.add("array_no_additional_items", path, "No additional items allowed on array");
                break;
            }
            let only_a_flag = beyond && schema.as_bool().is_some();
            if !schema.is_undefined() && !only_a_flag {
                self.validate(schema, *element, &format!("{path}.{index}"), out)?;
            }
        }
        let size = i64::try_from(all.len()).unwrap_or(i64::MAX);
        if let Some(min) = keys.get_str("minItems").as_int().filter(|min| size < *min) {
            out.add("array_min_items", path, format!("Array must have at least {min} items"));
        }
        if let Some(max) = keys.get_str("maxItems").as_int().filter(|max| size > *max) {
            out.add("array_max_items", path, format!("Array must have at most {max} items"));
        }
        if keys.get_str("uniqueItems").as_bool() == Some(true) {
            unique(all, path, out);
        }
        self.contains(keys.get_str("contains"), all, path, out)?;
        out.score += 1;
        Ok(())
    }

    fn contains(&mut self, schema: Value<'q>, all: &[Value<'q>], path: &str, out: &mut Outcome) -> Check {
        if schema.is_undefined() {
            return Ok(());
        }
        let mut best = None::<Outcome>;
        for (index, element) in all.iter().enumerate() {
            let outcome = self.alone(schema, *element, &format!("{path}.{index}"))?;
            if outcome.valid() {
                return Ok(());
            }
            if best.as_ref().is_none_or(|best| outcome.score > best.score) {
                best = Some(outcome);
            }
        }
        out.add("contains", path, "At least one of the items must match");
        best.into_iter().for_each(|best| out.merge(best));
        Ok(())
    }

    fn object(&mut self, keys: Object<'q>, object: Object<'q>, path: &str, out: &mut Outcome) -> Check {
        let size = i64::try_from(object.len()).unwrap_or(i64::MAX);
        if let Some(min) = keys.get_str("minProperties").as_int().filter(|min| size < *min) {
            out.add("array_min_properties", path, format!("Must have at least {min} properties"));
        }
        if let Some(max) = keys.get_str("maxProperties").as_int().filter(|max| size > *max) {
            out.add("array_max_properties", path, format!("Must have at most {max} properties"));
        }
        for name in keys.get_str("required").as_array().map_or(&[][..], Array::as_slice) {
            if object.get(*name).is_undefined() {
                out.add("required", path, format!("{} is required", shown(*name)));
            } else {
                out.score += 1;
            }
        }
        let properties = keys.get_str("properties");
        let additional = keys.get_str("additionalProperties");
        for (name, value) in object.iter() {
            let below = format!("{path}.{}", shown(name));
            let matched = self.pattern_properties(keys, name, value, &below, out)?;
            if matched || !properties.get(name).is_undefined() {
                continue;
            }
            match additional.view() {
                View::Bool(false) => {
                    let text = format!("Additional property {} is not allowed", shown(name));
                    out.add("additional_property_not_allowed", path, text);
                }
                View::Object(_) => self.validate(additional, value, &below, out)?,
                _ => {}
            }
        }
        let names = keys.get_str("propertyNames");
        if !names.is_undefined() {
            for name in object.keys() {
                let outcome = self.alone(names, *name, path)?;
                if !outcome.valid() {
                    let text = format!("Property name of \"{}\" does not match", shown(*name));
                    out.add("invalid_property_name", path, text);
                    out.merge(outcome);
                }
            }
        }
        out.score += 1;
        Ok(())
    }

    fn pattern_properties(
        &mut self,
        keys: Object<'q>,
        name: Value<'q>,
        value: Value<'q>,
        path: &str,
        out: &mut Outcome,
    ) -> Result<bool, BuiltinError> {
        let mut matched = false;
        for (pattern, schema) in keys.get_str("patternProperties").as_object().iter().flat_map(|o| o.iter()) {
            if self.matches(pattern.as_str().unwrap_or_default(), &shown(name)) {
                matched = true;
                self.validate(schema, value, path, out)?;
            }
        }
        out.score += i64::from(matched);
        Ok(matched)
    }

    fn matches(&mut self, pattern: &str, text: &str) -> bool {
        crate::patterns::cached(self.cache, pattern).is_ok_and(|regex| regex.is_match(text))
    }

    fn string(&mut self, keys: Object<'q>, text: &str, path: &str, out: &mut Outcome) {
        let size = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if let Some(min) = keys.get_str("minLength").as_int().filter(|min| size < *min) {
            out.add("string_gte", path, format!("String length must be greater than or equal to {min}"));
        }
        if let Some(max) = keys.get_str("maxLength").as_int().filter(|max| size > *max) {
            out.add("string_lte", path, format!("String length must be less than or equal to {max}"));
        }
        if let Some(pattern) = keys.get_str("pattern").as_str()
            && !self.matches(pattern, text)
        {
            out.add("pattern", path, format!("Does not match pattern '{pattern}'"));
        }
        out.score += 1;
    }
}

fn shown(name: Value<'_>) -> String {
    name.as_str().map_or_else(|| marshal(name), str::to_owned)
}

fn unique(all: &[Value<'_>], path: &str, out: &mut Outcome) {
    let mut seen = std::collections::BTreeMap::new();
    for (j, element) in all.iter().enumerate() {
        if let Some(i) = seen.insert(*element, j) {
            out.add("unique", path, format!("array items[{i},{j}] must be unique"));
        }
    }
}

fn common(keys: Object<'_>, node: Value<'_>, path: &str, out: &mut Outcome) {
    let field = path.strip_prefix("(Root).").unwrap_or(path);
    let constant = keys.get_str("const");
    if !constant.is_undefined() && constant != node {
        out.add("const", path, format!("{field} does not match: {}", marshal(constant)));
    }
    if let Some(allowed) = keys.get_str("enum").as_array()
        && !allowed.as_slice().contains(&node)
    {
        let allowed: Vec<_> = allowed.as_slice().iter().map(|value| marshal(*value)).collect();
        out.add("enum", path, format!("{field} must be one of the following: {}", allowed.join(", ")));
    }
    if let (Some(name), Some(text)) = (keys.get_str("format").as_str(), node.as_str())
        && !format::holds(name, text)
    {
        out.add("format", path, format!("Does not match format '{name}'"));
    }
    out.score += 1;
}

/// A bound as Go's `%v` prints a big float.
fn bound_text(value: Value<'_>) -> String {
    BigFloat::parse(&number_text(value)).map_or_else(|| number_text(value), |float| float.general_text(64))
}

fn is_multiple(node: Value<'_>, of: Value<'_>) -> bool {
    crate::bigfloat::is_multiple(&number_text(node), &number_text(of)).unwrap_or(true)
}

fn number(keys: Object<'_>, node: Value<'_>, path: &str, out: &mut Outcome) {
    let multiple = keys.get_str("multipleOf");
    if !multiple.is_undefined() && !is_multiple(node, multiple) {
        out.add("multiple_of", path, format!("Must be a multiple of {}", bound_text(multiple)));
    }
    let bounds = |bound: &str, exclusive: &str| {
        let (bound, exclusive) = (keys.get_str(bound), keys.get_str(exclusive));
        match exclusive.as_bool() {
            Some(true) => (Value::UNDEFINED, bound),
            Some(false) => (bound, Value::UNDEFINED),
            None => (bound, exclusive),
        }
    };
    let (max, below) = bounds("maximum", "exclusiveMaximum");
    if !max.is_undefined() && node > max {
        out.add("number_lte", path, format!("Must be less than or equal to {}", bound_text(max)));
    }
    if !below.is_undefined() && node >= below {
        out.add("number_lt", path, format!("Must be less than {}", bound_text(below)));
    }
    let (min, above) = bounds("minimum", "exclusiveMinimum");
    if !min.is_undefined() && node < min {
        out.add("number_gte", path, format!("Must be greater than or equal to {}", bound_text(min)));
    }
    if !above.is_undefined() && node <= above {
        out.add("number_gt", path, format!("Must be greater than {}", bound_text(above)));
    }
    out.score += 1;
}
