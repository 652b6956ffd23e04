//! Declarations of builtins in the form of OPA's capabilities files: what `opa capabilities` prints.
//!
//! The same form says two things: which builtins a host adds, and, as a whole file, which builtins there are at all.

use crate::builtins::{Builtins, HostBuiltin};
use govc_value::Type;
use govc_value::ty::Key;
use serde_json::Value;
use std::fmt;

/// Why a text declares no builtins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeclarationError {
    /// There is no list `builtins`.
    NoList,
    /// The entry at this position has no name.
    Unnamed(usize),
    /// The type of this builtin cannot be read.
    Type(String),
    /// This builtin is declared as something else than a function.
    NoFunction(String),
    /// This builtin is declared twice.
    Twice(String),
    /// The standard library has this builtin.
    Standard(String),
}

impl fmt::Display for DeclarationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoList => f.write_str("no list `builtins`"),
            Self::Unnamed(at) => write!(f, "entry {at} of `builtins` has no name"),
            Self::Type(name) => write!(f, "the type of builtin `{name}` cannot be read"),
            Self::NoFunction(name) => write!(f, "builtin `{name}` is not declared as a function"),
            Self::Twice(name) => write!(f, "builtin `{name}` is declared twice"),
            Self::Standard(name) => write!(f, "builtin `{name}` is there already"),
        }
    }
}

impl std::error::Error for DeclarationError {}

/// The package that holds the bodies of builtins that are written in Rego: `a.b(x)` is `data.custom.a.b(x)`.
pub const BODIES: &str = "custom";

impl Builtins {
    /// Adds the builtins that a document declares. With `bodies` each is performed by the rules of its name in
    /// package [`BODIES`], else by the host.
    ///
    /// # Errors
    /// When the document declares no builtins, or some that cannot be added.
    ///
    /// ```
    /// let mut builtins = govc_compile::Builtins::default();
    /// let document = serde_json::json!({"builtins": [{"name": "a.b", "decl": {"type": "function",
    ///     "args": [{"type": "string"}], "result": {"type": "boolean"}}}]});
    /// builtins.declare(&document, false)?;
    /// assert_eq!(builtins.arity("a.b"), Some(1));
    /// # Ok::<(), govc_compile::DeclarationError>(())
    /// ```
    pub fn declare(&mut self, document: &Value, bodies: bool) -> Result<(), DeclarationError> {
        for (name, declared) in entries(document)? {
            if govc_stdlib::lookup(&name).is_some() {
                return Err(DeclarationError::Standard(name));
            }
            let path = || std::iter::once(BODIES).chain(name.split('.')).map(str::to_owned).collect();
            let body = bodies.then(path);
            if self.host.insert(name.clone(), HostBuiltin { body, ..declared }).is_some() {
                return Err(DeclarationError::Twice(name));
            }
        }
        Ok(())
    }

    /// Leaves only the builtins of a capabilities file. Those that the standard library does not have must be
    /// performed by the host.
    ///
    /// # Errors
    /// When the document is no capabilities file.
    pub fn restrict(&mut self, document: &Value) -> Result<(), DeclarationError> {
        let declared = entries(document)?;
        self.only = Some(declared.iter().map(|(name, _)| name.clone()).collect());
        for (name, builtin) in declared {
            if govc_stdlib::lookup(&name).is_none() {
                self.host.entry(name).or_insert(builtin);
            }
        }
        Ok(())
    }
}

fn entries(document: &Value) -> Result<Vec<(String, HostBuiltin)>, DeclarationError> {
    let list = document.get("builtins").and_then(Value::as_array).ok_or(DeclarationError::NoList)?;
    list.iter().enumerate().map(|(at, entry)| declaration(at, entry)).collect()
}

fn declaration(at: usize, entry: &Value) -> Result<(String, HostBuiltin), DeclarationError> {
    let name = entry.get("name").and_then(Value::as_str).ok_or(DeclarationError::Unnamed(at))?.to_owned();
    let relation = entry.get("relation").and_then(Value::as_bool).unwrap_or(false);
    match entry.get("decl").and_then(ty) {
        Some(ty @ Type::Function(..)) => Ok((name, HostBuiltin { ty, relation, body: None })),
        Some(_) => Err(DeclarationError::NoFunction(name)),
        None => Err(DeclarationError::Type(name)),
    }
}

/// A type as a capabilities file writes it.
fn ty(json: &Value) -> Option<Type> {
    let part = |key: &str| json.get(key).filter(|v| !v.is_null());
    let optional = |key: &str| part(key).map_or(Some(None), |v| Some(Some(Box::new(ty(v)?))));
    Some(match json.get("type")?.as_str()? {
        "null" => Type::Null,
        "boolean" => Type::Boolean,
        "number" => Type::Number,
        "string" => Type::String,
        "array" => Type::Array(types(part("static"))?, optional("dynamic")?),
        "object" => object(part("static"), part("dynamic"))?,
        "set" => Type::Set(Box::new(part("of").map_or(Some(Type::ANY), ty)?)),
        "any" => Type::Any(types(part("of"))?),
        "function" => Type::Function(types(part("args"))?, optional("variadic")?, optional("result")?),
        _ => return None,
    })
}

fn types(list: Option<&Value>) -> Option<Vec<Type>> {
    let Some(list) = list else { return Some(Vec::new()) };
    list.as_array()?.iter().map(ty).collect()
}

fn object(known: Option<&Value>, rest: Option<&Value>) -> Option<Type> {
    let mut properties = Vec::new();
    for property in known.map_or(Some(&Vec::new()), Value::as_array)? {
        properties.push((key(property.get("key")?)?, ty(property.get("value")?)?));
    }
    properties.sort();
    let pair = |rest: &Value| Some(Box::new((ty(rest.get("key")?)?, ty(rest.get("value")?)?)));
    Some(Type::Object(properties, rest.map_or(Some(None), |rest| pair(rest).map(Some))?))
}

fn key(json: &Value) -> Option<Key> {
    match json {
        Value::Null => Some(Key::Null),
        Value::Bool(b) => Some(Key::Bool(*b)),
        Value::Number(n) => Some(Key::Number(n.to_string())),
        Value::String(text) => Some(Key::String(text.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the standard library writes of its own builtins is read back as the same types.
    #[test]
    fn reads_what_capabilities_print() {
        for builtin in govc_stdlib::all() {
            let mut text = String::new();
            govc_stdlib::type_to_json(&builtin.ty(), &mut text);
            let json: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(ty(&json), Some(builtin.ty()), "{}", builtin.name);
        }
    }

    #[test]
    fn refuses_what_declares_nothing() {
        let mut builtins = Builtins::default();
        let mut refusal = |text: &str| {
            builtins.declare(&serde_json::from_str(text).expect("JSON"), true).expect_err("refused")
        };
        assert_eq!(refusal("{}"), DeclarationError::NoList);
        assert_eq!(refusal(r#"{"builtins": [{}]}"#), DeclarationError::Unnamed(0));
        let name =
            |n: &str, ty: &str| format!(r#"{{"builtins": [{{"name": "{n}", "decl": {{"type": "{ty}"}}}}]}}"#);
        assert_eq!(refusal(&name("f", "string")), DeclarationError::NoFunction("f".to_owned()));
        assert_eq!(refusal(&name("f", "strong")), DeclarationError::Type("f".to_owned()));
        assert_eq!(refusal(&name("count", "function")), DeclarationError::Standard("count".to_owned()));
    }
}
