//! YAML to JSON text that keeps every number as it is written: OPA's cases hold some larger than any float.

use saphyr_parser::{Event, Parser, ScalarStyle};

/// The first document of a YAML text as JSON text.
///
/// # Errors
/// The parser's message, or that an alias was met (the cases hold none).
pub fn to_json(yaml: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut stack: Vec<Frame> = Vec::new();
    let yaml = govc_stdlib::deepened(yaml);
    for event in Parser::new_from_str(&yaml) {
        let (event, _) = event.map_err(|e| e.to_string())?;
        match event {
            Event::MappingStart(..) => open(&mut out, &mut stack, '{'),
            Event::SequenceStart(..) => open(&mut out, &mut stack, '['),
            Event::MappingEnd | Event::SequenceEnd => close(&mut out, &mut stack),
            Event::Scalar(text, style, ..) => {
                separate(&mut out, &mut stack);
                let is_key = stack.last().is_some_and(|f| f.is_map && f.count % 2 == 1);
                out.push_str(&scalar(&text, style == ScalarStyle::Plain && !is_key));
            }
            Event::Alias(_) => return Err("aliases are not read".to_owned()),
            Event::DocumentEnd => break,
            _ => {}
        }
    }
    Ok(out)
}

struct Frame {
    is_map: bool,
    count: usize,
}

fn open(out: &mut String, stack: &mut Vec<Frame>, bracket: char) {
    separate(out, stack);
    out.push(bracket);
    stack.push(Frame { is_map: bracket == '{', count: 0 });
}

fn close(out: &mut String, stack: &mut Vec<Frame>) {
    if let Some(frame) = stack.pop() {
        out.push(if frame.is_map { '}' } else { ']' });
    }
}

/// Writes what stands between the last node and the next one.
fn separate(out: &mut String, stack: &mut [Frame]) {
    let Some(frame) = stack.last_mut() else { return };
    match (frame.is_map, frame.count) {
        (_, 0) => {}
        (true, n) if n % 2 == 1 => out.push(':'),
        _ => out.push(','),
    }
    frame.count += 1;
}

fn scalar(text: &str, plain: bool) -> String {
    if plain {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return "null".to_owned(),
            "true" | "True" | "TRUE" => return "true".to_owned(),
            "false" | "False" | "FALSE" => return "false".to_owned(),
            _ if is_number(text) => return text.to_owned(),
            _ => {}
        }
    }
    serde_json::Value::String(text.to_owned()).to_string()
}

fn is_number(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    starts && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::to_json;

    #[test]
    fn numbers_keep_their_text() {
        let yaml = "a: [1180591620717411303424, 1e400, -0]\n\"b\": |\n  x: 1\n  y\nc: {d: ~, 1: 'true'}\n";
        let json = r#"{"a":[1180591620717411303424,1e400,-0],"b":"x: 1\ny\n","c":{"d":null,"1":"true"}}"#;
        assert_eq!(to_json(yaml).as_deref(), Ok(json));
    }
}
