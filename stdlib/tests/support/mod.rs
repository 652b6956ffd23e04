//! What the tests share: where the oracle lies, and reading of ground Rego terms.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use govc_stdlib::{BuiltinError, World};
use govc_value::{Heap, Value};
use std::path::PathBuf;

/// The folder of shared material, from `GOVC_SHARED` or beside the checkout.
pub fn shared() -> Option<PathBuf> {
    let given = std::env::var_os("GOVC_SHARED").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    given.into_iter().chain([beside]).find(|path| path.join("opa/capabilities.json").exists())
}

/// A world that has nothing but a clock.
pub struct Nowhere;

impl World for Nowhere {
    fn now_ns(&mut self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        i64::try_from(since.as_nanos()).expect("before 2262")
    }
    fn call<'q>(&mut self, name: &str, _: Heap<'q>, _: &[Value<'q>]) -> Result<Value<'q>, BuiltinError> {
        Err(BuiltinError::Unsupported(format!("`{name}` is not performed here")))
    }
    fn print(&mut self, _: &str, _: &str, _: u32) {}
}

/// Reads ground Rego terms: JSON, and sets.
pub struct Terms<'t, 'q> {
    pub text: &'t str,
    pub heap: Heap<'q>,
}

impl<'q> Terms<'_, 'q> {
    fn space(&mut self) {
        self.text = self.text.trim_start();
    }
    pub fn take(&mut self, token: &str) -> bool {
        self.space();
        match self.text.strip_prefix(token) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }
    fn need(&mut self, token: &str) {
        assert!(self.take(token), "`{token}` wanted at `{}`", self.text);
    }
    /// Terms up to a closing token.
    pub fn list(&mut self, close: &str) -> Vec<Value<'q>> {
        let mut list = Vec::new();
        while !self.take(close) {
            list.push(self.term());
            self.take(",");
        }
        list
    }
    pub fn term(&mut self) -> Value<'q> {
        self.space();
        if self.take("set()") {
            return self.heap.set(&mut Vec::new());
        }
        if self.take("[") {
            let list = self.list("]");
            return self.heap.array(&list);
        }
        if self.take("{") {
            return self.braces();
        }
        if self.text.starts_with('`') {
            let end = self.text[1..].find('`').expect("closing quote") + 1;
            let value = self.heap.string(&self.text[1..end]);
            self.text = &self.text[end + 1..];
            return value;
        }
        let end = self.scalar_end();
        let (scalar, rest) = self.text.split_at(end);
        self.text = rest;
        let limits = govc_value::json::Limits::default();
        govc_value::json::read(self.heap, scalar.as_bytes(), &limits)
            .unwrap_or_else(|e| panic!("`{scalar}`: {e:?}"))
    }
    fn scalar_end(&self) -> usize {
        let bytes = self.text.as_bytes();
        if bytes.first() != Some(&b'"') {
            return self.text.find([',', ']', '}', ')', ':', ' ']).unwrap_or(bytes.len());
        }
        let mut at = 1;
        while bytes[at] != b'"' {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        at + 1
    }
    fn braces(&mut self) -> Value<'q> {
        let (mut entries, mut elements) = (Vec::new(), Vec::new());
        while !self.take("}") {
            let first = self.term();
            if self.take(":") {
                entries.push((first, self.term()));
            } else {
                elements.push(first);
            }
            self.take(",");
        }
        if elements.is_empty() { self.heap.object(&mut entries) } else { self.heap.set(&mut elements) }
    }
}

/// A call as written in a case file: name, terms.
pub fn read_call<'t, 'q>(line: &'t str, heap: Heap<'q>) -> (&'t str, Vec<Value<'q>>) {
    let open = line.find('(').expect("a call");
    let mut terms = Terms { text: &line[open + 1..], heap };
    let args = terms.list(")");
    (&line[..open], args)
}

/// A value as a Rego term that parses again.
pub fn literal(value: Value<'_>) -> String {
    let list = |values: &[Value<'_>]| values.iter().map(|v| literal(*v)).collect::<Vec<_>>().join(", ");
    if let Some(array) = value.as_array() {
        return format!("[{}]", list(array.as_slice()));
    }
    if let Some(set) = value.as_set() {
        let elements = list(set.as_slice());
        return if elements.is_empty() { "set()".to_owned() } else { format!("{{{elements}}}") };
    }
    if let Some(object) = value.as_object() {
        let entries: Vec<_> = object.iter().map(|(k, v)| format!("{}: {}", literal(k), literal(v))).collect();
        return format!("{{{}}}", entries.join(", "));
    }
    govc_value::json::to_string(value)
}
