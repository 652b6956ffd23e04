//! The log of the server on standard error, in OPA's three forms.

use crate::output::{self, Node};
use std::io::Write;

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Error,
    Warning,
    Info,
    Debug,
}

/// How it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Json,
    JsonPretty,
}

/// A log.
#[derive(Clone, Debug)]
pub(crate) struct Logger {
    pub(crate) level: Level,
    pub(crate) form: Form,
    /// Go layout of the times; empty: RFC 3339 in seconds.
    pub(crate) layout: String,
}

/// Names and values, each as JSON.
pub(crate) type Fields = Vec<(String, Node)>;

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl Logger {
    /// Whether anything of this level is logged.
    pub(crate) fn logs(&self, level: Level) -> bool {
        level <= self.level
    }

    /// Logs a message, if messages of its level are logged.
    pub(crate) fn log(&self, level: Level, message: &str, fields: Fields) {
        if self.logs(level) {
            self.always(level, message, fields);
        }
    }

    /// Logs a message whatever the level.
    pub(crate) fn always(&self, level: Level, message: &str, fields: Fields) {
        let text = match self.form {
            Form::Text => text(level, message, &fields),
            form => self.json(level, message, fields, form),
        };
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// Keys in order; a field with the name of one of ours takes the prefix `fields.`.
    fn json(&self, level: Level, message: &str, fields: Fields, form: Form) -> String {
        let renamed = fields.into_iter().map(|(name, value)| match name.as_str() {
            "time" | "msg" | "level" => (format!("fields.{name}"), value),
            _ => (name, value),
        });
        let mut all: Fields = renamed.collect();
        all.push(("level".to_owned(), Node::string(level.name())));
        all.push(("msg".to_owned(), Node::string(message)));
        all.push(("time".to_owned(), Node::string(&self.time())));
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        let node = Node::Object(all);
        let line = if form == Form::JsonPretty { node.pretty() } else { node.compact() };
        line + "\n"
    }

    fn time(&self) -> String {
        let now = jiff::Timestamp::now();
        match self.layout.as_str() {
            "" => now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            layout => go_time(layout, now),
        }
    }
}

/// A time in a layout of Go, by the builtin that does it for policies.
fn go_time(layout: &str, now: jiff::Timestamp) -> String {
    use govc_stdlib::{Cache, Context};
    use govc_value::{Arena, Heap, SymbolTable, Value};
    let arena = Arena::new(1 << 16);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let nanoseconds = Value::int(i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX));
    let argument = heap.array(&[nanoseconds, heap.string("UTC"), heap.string(layout)]);
    let mut world = super::visit::Visit::new("{}");
    let mut cache = Cache::default();
    let mut context = Context { heap, cache: &mut cache, world: &mut world };
    let call = govc_stdlib::lookup("time.format").and_then(|builtin| builtin.call);
    let made = call.and_then(|call| call(&mut context, &[argument]).ok());
    made.and_then(|value| value.as_str()).unwrap_or(layout).to_owned()
}

/// OPA's form for people.
fn text(level: Level, message: &str, fields: &Fields) -> String {
    let mut out = format!("[{}] {message}\n", level.name().to_uppercase());
    for (name, value) in fields {
        let json = value.compact();
        match json.starts_with(['{', '[']) {
            true if json.len() > 2 => {
                out.push_str(&format!("  {name} = |\n"));
                let lines = output::indent(&json);
                lines.lines().for_each(|line| out.push_str(&format!("      {line}\n")));
            }
            _ => out.push_str(&format!("  {name} = {json}\n")),
        }
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_layouts_of_go() {
        let time = jiff::Timestamp::from_second(0).expect("the epoch");
        assert_eq!(go_time("2006-01-02", time), "1970-01-01");
    }
}
