//! YAML to JSON text, with YAML 1.1's idea of scalars, because that is what OPA's YAML reader has.
//!
//! The surprising part: `yes`, `on` and a bare `y` are `true`, `010` is eight, and decimals pass through a float as they
//! do in OPA, while integers keep every digit that 64 bits hold.

use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Levels of nesting, and nodes after aliases are written out, that one document may have.
const DEPTH: usize = 1_000;
const NODES: usize = 5_000_000;

/// Nodes are shared, so that aliases of aliases cost nothing until they are written out, which is bounded.
enum Yaml {
    Scalar(String),
    List(Vec<Rc<Yaml>>),
    Map(Vec<(Key, Rc<Yaml>)>),
}

/// A key: its text, and whether it is the merge key `<<`.
struct Key {
    text: String,
    merge: bool,
}

/// The first document of a YAML text as compact JSON.
pub(crate) fn to_json(text: &str) -> Result<String, String> {
    let text = govc_stdlib::deepened(text);
    let mut reader = Reader { parser: Parser::new_from_str(&text), anchors: HashMap::new(), nodes: 0 };
    let root = reader.document()?;
    let mut out = String::new();
    let mut written = 0;
    write(&root, &mut out, &mut written)?;
    Ok(out)
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    anchors: HashMap<usize, Rc<Yaml>>,
    nodes: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Event<'t>, String> {
        match self.parser.next() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(format!("yaml: line {}: {}", error.marker().line(), error.info())),
            None => Ok(Event::StreamEnd),
        }
    }

    fn document(&mut self) -> Result<Rc<Yaml>, String> {
        loop {
            match self.next()? {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::StreamEnd | Event::DocumentEnd => return Ok(Rc::new(Yaml::Scalar("null".to_owned()))),
                event => return self.node(event, 0),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, depth: usize) -> Result<Rc<Yaml>, String> {
        self.nodes += 1;
        if depth > DEPTH || self.nodes > NODES {
            return Err(format!("yaml: document exceeds {DEPTH} levels or {NODES} nodes"));
        }
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, Yaml::Scalar(scalar(&text, style, tag.as_deref())))
            }
            Event::SequenceStart(anchor, _) => (anchor, self.list(depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.map(depth)?),
            Event::Alias(id) => {
                return self.anchors.get(&id).cloned().ok_or_else(|| "yaml: unknown anchor".to_owned());
            }
            _ => return Err("yaml: unexpected end of document".to_owned()),
        };
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Yaml, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Yaml::List(items)),
                event => items.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Yaml, String> {
        let mut entries = Vec::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => return Ok(Yaml::Map(entries)),
                Event::Scalar(text, ScalarStyle::Plain, 0, None) if text == "<<" => {
                    Key { text: text.into_owned(), merge: true }
                }
                event => Key { text: key_text(&*self.node(event, depth + 1)?)?, merge: false },
            };
            let event = self.next()?;
            entries.push((key, self.node(event, depth + 1)?));
        }
    }
}

/// JSON keys are strings: other scalars become their text.
fn key_text(node: &Yaml) -> Result<String, String> {
    match node {
        Yaml::Scalar(json) => Ok(serde_json::from_str::<String>(json).unwrap_or_else(|_| json.clone())),
        _ => Err("yaml: unsupported map key".to_owned()),
    }
}

/// The JSON text of a scalar.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&saphyr_parser::Tag>) -> String {
    let tagged_string = tag.is_some_and(|t| t.suffix == "str" || t.suffix == "binary" || t.handle == "!");
    if style != ScalarStyle::Plain || tagged_string {
        return crate::output::quote(text);
    }
    plain(text).unwrap_or_else(|| crate::output::quote(text))
}

fn plain(text: &str) -> Option<String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Some("null".to_owned()),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some("true".to_owned())
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some("false".to_owned())
        }
        _ => integer(text).or_else(|| float(text)),
    }
}

/// YAML 1.1 integers: signs, `_`, and the prefixes `0x`, `0b`, `0o` and `0`.
fn integer(text: &str) -> Option<String> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-') {
        return None;
    }
    let clean = text.replace('_', "");
    let (negative, digits) = match clean.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, clean.strip_prefix('+').unwrap_or(&clean)),
    };
    let value = magnitude(digits)?;
    let value = if negative { -value } else { value };
    let fits = value >= i128::from(i64::MIN) && value <= i128::from(u64::MAX);
    fits.then(|| value.to_string())
}

fn magnitude(digits: &str) -> Option<i128> {
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let prefixed = |prefix: &str| digits.strip_prefix(prefix).filter(|d| !d.starts_with(['+', '-']));
    if let Some(hex) = prefixed("0x").or_else(|| prefixed("0X")) {
        return i128::from_str_radix(hex, 16).ok();
    }
    if let Some(binary) = prefixed("0b").or_else(|| prefixed("0B")) {
        return i128::from_str_radix(binary, 2).ok();
    }
    if let Some(octal) = prefixed("0o").or_else(|| prefixed("0O")) {
        return i128::from_str_radix(octal, 8).ok();
    }
    match digits.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => i128::from_str_radix(octal, 8).ok(),
        _ => digits.parse().ok(),
    }
}

/// Decimals pass through a float, as in OPA; what a float cannot hold stays a string.
fn float(text: &str) -> Option<String> {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let numeric =
        body.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-' | b'_'));
    if !numeric || !body.bytes().any(|b| b.is_ascii_digit()) || body.starts_with(['e', 'E', '_']) {
        return None;
    }
    let value: f64 = text.replace('_', "").parse().ok()?;
    value.is_finite().then(|| go_float(value))
}

/// A float as Go's JSON encoder writes it.
fn go_float(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return if value.is_sign_negative() { "-0".to_owned() } else { "0".to_owned() };
    }
    if (1e-6..1e21).contains(&size) {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

fn write(node: &Yaml, out: &mut String, written: &mut usize) -> Result<(), String> {
    *written += 1;
    if *written > NODES {
        return Err("yaml: document contains excessive aliasing".to_owned());
    }
    match node {
        Yaml::Scalar(json) => out.push_str(json),
        Yaml::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out, written)?;
            }
            out.push(']');
        }
        Yaml::Map(entries) => {
            out.push('{');
            for (i, (key, value)) in flatten(entries).into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&crate::output::quote(key));
                out.push(':');
                write(value, out, written)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// Applies merge keys: what they bring never replaces a key that is written out.
fn flatten(entries: &[(Key, Rc<Yaml>)]) -> BTreeMap<&str, &Yaml> {
    let mut map = BTreeMap::new();
    for (_, merged) in entries.iter().filter(|(key, _)| key.merge) {
        let sources = match &**merged {
            Yaml::List(items) => items.as_slice(),
            _ => std::slice::from_ref(merged),
        };
        for source in sources {
            if let Yaml::Map(inner) = &**source {
                for (key, value) in flatten(inner) {
                    map.entry(key).or_insert(value);
                }
            }
        }
    }
    map.extend(
        entries.iter().filter(|(key, _)| !key.merge).map(|(key, value)| (key.text.as_str(), &**value)),
    );
    map
}

#[cfg(test)]
mod tests {
    use super::to_json;

    #[test]
    fn reads_scalars_as_opa_does() {
        let text = "a: yes\nc: 0x1F\nd: 010\ne: 1e3\nf: ~\ng: 1_000\nh: 12345678901234567890123\ni: .5\nj: +1\n\
                    k: 2020-01-01\nm: \"1\"\n1: x\no: 0o17\np: &x {q: 1}\nr:\n  <<: *x\n  s: 1.10\nt: !!str 12\naa:\nbb: 1:30\n";
        let wanted = r#"{"1":"x","a":true,"aa":null,"bb":"1:30","c":31,"d":8,"e":1000,"f":null,"g":1000,"h":1.2345678901234568e+22,"i":0.5,"j":1,"k":"2020-01-01","m":"1","o":15,"p":{"q":1},"r":{"q":1,"s":1.1},"t":"12"}"#;
        assert_eq!(to_json(text).as_deref(), Ok(wanted));
    }

    #[test]
    fn bounds_aliases() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..9 {
            let items = vec![format!("*a{}", i - 1); 10].join(", ");
            text.push_str(&format!("a{i}: &a{i} [{items}]\n"));
        }
        assert!(to_json(&text).is_err());
    }
}
