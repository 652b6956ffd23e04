//! How builtins are declared, and the reading of their types.
//!
//! The one surprising fact: types are the text that OPA prints (`any<string, array[any]>`); a test
//! reads every one of them, so a mistake never reaches the compiler.

use crate::{Builtin, Call, Purity};
use govc_value::Type;
use govc_value::ty::Key;

impl Builtin {
    pub(crate) const fn new(
        name: &'static str,
        args: &'static [(&'static str, &'static str)],
        result: Option<&'static str>,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            args,
            result,
            infix: None,
            purity: Purity::Pure,
            deprecated: false,
            relation: false,
            doc,
            call: None,
        }
    }
    pub(crate) const fn infix(mut self, operator: &'static str) -> Self {
        self.infix = Some(operator);
        self
    }
    pub(crate) const fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }
    pub(crate) const fn relation(mut self) -> Self {
        self.relation = true;
        self
    }
    pub(crate) const fn nondeterministic(mut self) -> Self {
        self.purity = Purity::Nondeterministic;
        self
    }
    pub(crate) const fn calls(mut self, call: Call) -> Self {
        self.call = Some(call);
        self
    }
}

/// Where a text is no type: the byte at which reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeSyntax {
    /// Byte offset.
    pub offset: usize,
}

impl std::fmt::Display for TypeSyntax {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not a type at byte {}", self.offset)
    }
}

impl std::error::Error for TypeSyntax {}

/// Reads a type as OPA prints it: `any<string, object<op: string>[any: any]>`.
///
/// # Errors
/// Where the text is no type.
///
/// ```
/// use govc_value::Type;
/// let ty = govc_stdlib::type_from_text("set[number]").expect("a type");
/// assert_eq!(ty, Type::Set(Box::new(Type::Number)));
/// ```
pub fn type_from_text(text: &str) -> Result<Type, TypeSyntax> {
    let mut reader = Reader { text, at: 0 };
    let ty = reader.ty()?;
    if reader.at == text.len() { Ok(ty) } else { Err(reader.stop()) }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn stop(&self) -> TypeSyntax {
        TypeSyntax { offset: self.at }
    }
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }
    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }
    fn need(&mut self, token: &str) -> Result<(), TypeSyntax> {
        if self.take(token) { Ok(()) } else { Err(self.stop()) }
    }
    fn word(&mut self) -> String {
        let word: String = self.rest().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        self.at += word.len();
        word
    }
    fn ty(&mut self) -> Result<Type, TypeSyntax> {
        let start = self.at;
        match self.word().as_str() {
            "null" => Ok(Type::Null),
            "boolean" => Ok(Type::Boolean),
            "number" => Ok(Type::Number),
            "string" => Ok(Type::String),
            "array" => Ok(Type::Array(self.list()?, self.element()?)),
            "object" => Ok(Type::Object(self.properties()?, self.others()?)),
            "set" => self.element()?.map(Type::Set).ok_or(self.stop()),
            "any" => Ok(Type::Any(self.list()?)),
            _ => Err(TypeSyntax { offset: start }),
        }
    }
    fn list(&mut self) -> Result<Vec<Type>, TypeSyntax> {
        let mut types = Vec::new();
        if self.take("<") {
            loop {
                types.push(self.ty()?);
                if !self.take(", ") {
                    break;
                }
            }
            self.need(">")?;
        }
        Ok(types)
    }
    fn element(&mut self) -> Result<Option<Box<Type>>, TypeSyntax> {
        if !self.take("[") {
            return Ok(None);
        }
        let ty = self.ty()?;
        self.need("]")?;
        Ok(Some(Box::new(ty)))
    }
    fn properties(&mut self) -> Result<Vec<(Key, Type)>, TypeSyntax> {
        let mut properties = Vec::new();
        if self.take("<") {
            loop {
                let key = Key::String(self.word());
                self.need(": ")?;
                properties.push((key, self.ty()?));
                if !self.take(", ") {
                    break;
                }
            }
            self.need(">")?;
        }
        Ok(properties)
    }
    fn others(&mut self) -> Result<Option<Box<(Type, Type)>>, TypeSyntax> {
        if !self.take("[") {
            return Ok(None);
        }
        let key = self.ty()?;
        self.need(": ")?;
        let value = self.ty()?;
        self.need("]")?;
        Ok(Some(Box::new((key, value))))
    }
}

/// A declared type; a test reads all of them, so `any` never stands in for a mistake.
fn declared(text: &str) -> Type {
    let ty = type_from_text(text);
    debug_assert!(ty.is_ok(), "`{text}` is no type");
    ty.unwrap_or(Type::Any(Vec::new()))
}

pub(crate) fn function_type(builtin: &Builtin) -> Type {
    let mut args = Vec::new();
    let mut variadic = None;
    for (_, text) in builtin.args {
        match text.strip_suffix("...") {
            Some(element) => variadic = Some(Box::new(declared(element))),
            None => args.push(declared(text)),
        }
    }
    Type::Function(args, variadic, builtin.result.map(|text| Box::new(declared(text))))
}

/// Appends a type as OPA's `capabilities.json` writes it, keys sorted.
pub fn type_to_json(ty: &Type, out: &mut String) {
    match ty {
        Type::Null => out.push_str(r#"{"type":"null"}"#),
        Type::Boolean => out.push_str(r#"{"type":"boolean"}"#),
        Type::Number => out.push_str(r#"{"type":"number"}"#),
        Type::String => out.push_str(r#"{"type":"string"}"#),
        Type::Array(first, rest) => array_to_json(first, rest.as_deref(), out),
        Type::Object(known, others) => object_to_json(known, others.as_deref(), out),
        Type::Set(of) => wrap(r#"{"of":"#, of, r#","type":"set"}"#, out),
        Type::Any(of) if of.is_empty() => out.push_str(r#"{"type":"any"}"#),
        Type::Any(of) => {
            out.push_str(r#"{"of":"#);
            list_to_json(of, out);
            out.push_str(r#","type":"any"}"#);
        }
        Type::Function(args, variadic, result) => {
            function_to_json(args, variadic.as_deref(), result.as_deref(), out);
        }
    }
}

fn wrap(before: &str, ty: &Type, after: &str, out: &mut String) {
    out.push_str(before);
    type_to_json(ty, out);
    out.push_str(after);
}

fn list_to_json(types: &[Type], out: &mut String) {
    out.push('[');
    for (position, ty) in types.iter().enumerate() {
        wrap(if position == 0 { "" } else { "," }, ty, "", out);
    }
    out.push(']');
}

fn array_to_json(first: &[Type], rest: Option<&Type>, out: &mut String) {
    out.push('{');
    if let Some(rest) = rest {
        wrap(r#""dynamic":"#, rest, ",", out);
    }
    if !first.is_empty() {
        out.push_str(r#""static":"#);
        list_to_json(first, out);
        out.push(',');
    }
    out.push_str(r#""type":"array"}"#);
}

fn object_to_json(known: &[(Key, Type)], others: Option<&(Type, Type)>, out: &mut String) {
    out.push('{');
    if let Some((key, value)) = others {
        wrap(r#""dynamic":{"key":"#, key, "", out);
        wrap(r#","value":"#, value, "},", out);
    }
    if !known.is_empty() {
        out.push_str(r#""static":["#);
        for (position, (key, value)) in known.iter().enumerate() {
            out.push_str(if position == 0 { r#"{"key":"# } else { r#",{"key":"# });
            key_to_json(key, out);
            wrap(r#","value":"#, value, "}", out);
        }
        out.push_str("],");
    }
    out.push_str(r#""type":"object"}"#);
}

fn key_to_json(key: &Key, out: &mut String) {
    match key {
        Key::Null => out.push_str("null"),
        Key::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Key::Number(text) => out.push_str(text),
        Key::String(text) => crate::encoding::quote_json(text, out),
        Key::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                out.push(if position == 0 { '[' } else { ',' });
                key_to_json(item, out);
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Key::Object(fields) => {
            for (position, (key, value)) in fields.iter().enumerate() {
                out.push(if position == 0 { '{' } else { ',' });
                key_to_json(key, out);
                out.push(':');
                key_to_json(value, out);
            }
            out.push_str(if fields.is_empty() { "{}" } else { "}" });
        }
    }
}

fn function_to_json(args: &[Type], variadic: Option<&Type>, result: Option<&Type>, out: &mut String) {
    out.push('{');
    if !args.is_empty() {
        out.push_str(r#""args":"#);
        list_to_json(args, out);
        out.push(',');
    }
    if let Some(result) = result {
        wrap(r#""result":"#, result, ",", out);
    }
    out.push_str(r#""type":"function""#);
    if let Some(variadic) = variadic {
        wrap(r#","variadic":"#, variadic, "", out);
    }
    out.push('}');
}
