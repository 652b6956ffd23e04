//! The configuration: a file, what replaces parts of it, and what holds where it is silent.

use super::Limits;
use crate::commands::run::{Authorization, Run};
use crate::files;
use crate::output;
use serde_json::{Map, Value as Json, json};

/// The configuration that holds.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// As it was given, with everything replaced that is to be replaced.
    pub(crate) raw: Json,
    pub(crate) default_decision: String,
    pub(crate) default_authorization_decision: String,
    pub(crate) labels: Map<String, Json>,
    pub(crate) limits: Limits,
    /// Bytes from which on answers are compressed, and how hard.
    pub(crate) encoding: (usize, u32),
}

impl Settings {
    /// Reads the configuration.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn load(args: &Run) -> Result<Self, String> {
        let mut raw = match &args.settings.config_file {
            Some(file) => read(file)?,
            None => json!({}),
        };
        let remote = args.paths.iter().filter(|path| super::load::is_remote(path));
        for (number, path) in remote.enumerate() {
            served(&mut raw, number + 1, path);
        }
        for part in &args.settings.set {
            set(&mut raw, part, |text| Ok(scalar(text)))?;
        }
        for part in &args.settings.set_file {
            set(&mut raw, part, |file| {
                let text = std::fs::read_to_string(file);
                let text = text.map_err(|error| files::io_problem("open", file, &error).message)?;
                Ok(Json::String(text.trim_end_matches('\n').to_owned()))
            })?;
        }
        Self::of(raw)
    }

    /// The configuration that a document is.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn of(raw: Json) -> Result<Self, String> {
        let text = |name: &str, default: &str| match raw.get(name).and_then(Json::as_str) {
            Some(text) => text.to_owned(),
            None => default.to_owned(),
        };
        let number = |path: &str, default: u64| raw.pointer(path).and_then(Json::as_u64).unwrap_or(default);
        let mut labels = raw.get("labels").and_then(Json::as_object).cloned().unwrap_or_default();
        // Text that stands for a number stays text; labels are text.
        for value in labels.values_mut().filter(|value| !value.is_string()) {
            *value = Json::String(value.to_string());
        }
        labels.insert("version".to_owned(), Json::String(env!("CARGO_PKG_VERSION").to_owned()));
        labels.insert("id".to_owned(), Json::String(crate::world::uuid_v4()));
        let level = number("/server/encoding/gzip/compression_level", 9);
        Ok(Self {
            default_decision: text("default_decision", "/system/main"),
            default_authorization_decision: text("default_authorization_decision", "/system/authz/allow"),
            labels,
            limits: Limits {
                body: number("/server/decoding/max_length", 268_435_456),
                gzip: number("/server/decoding/gzip/max_length", 536_870_912),
            },
            encoding: (
                usize::try_from(number("/server/encoding/gzip/min_length", 1024)).unwrap_or(usize::MAX),
                u32::try_from(level.min(9)).unwrap_or(9),
            ),
            raw,
        })
    }

    /// The buckets of the histogram of requests, where the configuration names some.
    pub(crate) fn buckets(&self) -> Option<Vec<f64>> {
        let path = "/server/metrics/prom/http_request_duration_seconds/buckets";
        let buckets = self.raw.pointer(path)?.as_array()?;
        Some(buckets.iter().filter_map(Json::as_f64).collect())
    }

    /// What `opa.runtime()` answers, as JSON.
    pub(crate) fn runtime(&self, args: &Run) -> String {
        let env: Map<String, Json> = std::env::vars_os()
            .map(|(name, value)| {
                (name.to_string_lossy().into_owned(), Json::String(value.to_string_lossy().into_owned()))
            })
            .collect();
        let mut runtime = json!({
            "authorization_enabled": args.security.authorization == Authorization::Basic,
            "commit": "",
            "env": env,
            "skip_known_schema_check": args.settings.skip_known_schema_check,
            "version": "1.20.2",
        });
        if self.raw.as_object().is_some_and(|object| !object.is_empty()) {
            runtime["config"] = self.raw.clone();
        }
        runtime.to_string()
    }

    /// The configuration without its secrets, as JSON.
    pub(crate) fn shown(&self) -> String {
        let mut shown = self.raw.as_object().cloned().unwrap_or_default();
        shown.insert("labels".to_owned(), Json::Object(self.labels.clone()));
        let decision = |text: &str| Json::String(text.to_owned());
        shown.insert("default_decision".to_owned(), decision(&self.default_decision));
        shown.insert(
            "default_authorization_decision".to_owned(),
            decision(&self.default_authorization_decision),
        );
        hide(&mut shown);
        Json::Object(shown).to_string()
    }
}

/// A bundle that the command line names by its URL, as a service and a bundle of the configuration.
fn served(raw: &mut Json, number: usize, url: &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let name = format!("cli{number}");
    let mut set = |path: [&str; 3], value: Json| put(raw, &path.map(str::to_owned), value);
    set(["services", &name, "url"], Json::String(format!("{scheme}://{host}")));
    set(["bundles", &name, "service"], Json::String(name.clone()));
    set(["bundles", &name, "resource"], Json::String(format!("/{path}")));
    set(["bundles", &name, "persist"], Json::Bool(true));
}

/// Takes away keys, and what services know each other by.
fn hide(shown: &mut Map<String, Json>) {
    if let Some(keys) = shown.get_mut("keys").and_then(Json::as_object_mut) {
        for key in keys.values_mut().filter_map(Json::as_object_mut) {
            key.remove("key");
            key.remove("private_key");
        }
    }
    let hide = |service: &mut Json| {
        if let Some(service) = service.as_object_mut() {
            service.remove("credentials");
        }
    };
    match shown.get_mut("services") {
        Some(Json::Array(services)) => services.iter_mut().for_each(hide),
        Some(Json::Object(services)) => services.values_mut().for_each(hide),
        _ => {}
    }
}

/// A file with `${NAME}` replaced by what the environment has for it.
fn read(file: &str) -> Result<Json, String> {
    let text = std::fs::read_to_string(file.strip_prefix("file://").unwrap_or(file));
    let text =
        text.map_err(|error| format!("config error: {}", files::io_problem("open", file, &error).message))?;
    let json = files::any_document(substituted(&text).as_bytes());
    let json = json.map_err(|error| format!("config error: {error}"))?;
    serde_json::from_str(&json).map_err(|error| format!("config error: {error}"))
}

/// As OPA: what is not set is left out.
fn substituted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        match after.split_once('}') {
            Some((name, after)) => {
                out.push_str(&std::env::var(name).unwrap_or_default());
                rest = after;
            }
            None => {
                out.push_str("${");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Puts the values of `a.b=value,c=value` into a document.
fn set(raw: &mut Json, parts: &str, value: impl Fn(&str) -> Result<Json, String>) -> Result<(), String> {
    for part in split(parts) {
        let Some((path, text)) = part.split_once('=') else {
            return Err(format!(
                "config error: failed parsing --set data: key {} has no value",
                output::quote(&part)
            ));
        };
        put(raw, &steps(path), value(text)?);
    }
    Ok(())
}

/// Parts between commas that stand outside braces and are not escaped.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut escaped) = (vec![String::new()], 0, false);
    for c in text.chars() {
        match c {
            ',' if depth == 0 && !escaped => {
                parts.push(String::new());
                continue;
            }
            '{' if !escaped => depth += 1,
            '}' if !escaped => depth -= 1,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = parts.last_mut().filter(|_| !escaped) {
            last.push(c);
        }
    }
    parts
}

/// `a.b[0]` as its steps.
fn steps(path: &str) -> Vec<String> {
    path.split('.')
        .flat_map(|step| step.split('['))
        .map(|step| step.trim_end_matches(']').to_owned())
        .collect()
}

fn put(at: &mut Json, steps: &[String], value: Json) {
    let Some((first, rest)) = steps.split_first() else {
        *at = value;
        return;
    };
    match first.parse::<usize>() {
        Ok(index) if at.is_array() || at.is_null() => {
            if at.is_null() {
                *at = json!([]);
            }
            if let Some(items) = at.as_array_mut().filter(|_| index < 1 << 16) {
                while items.len() <= index {
                    items.push(Json::Null);
                }
                put(&mut items[index], rest, value);
            }
        }
        _ => {
            if !at.is_object() {
                *at = json!({});
            }
            if let Some(object) = at.as_object_mut() {
                put(object.entry(first.clone()).or_insert(Json::Null), rest, value);
            }
        }
    }
}

/// A value as it is written on the command line: `true`, a number, `null`, a list in braces, or text.
fn scalar(text: &str) -> Json {
    match text {
        "true" => Json::Bool(true),
        "false" => Json::Bool(false),
        "null" => Json::Null,
        text if text.starts_with('{') && text.ends_with('}') => {
            let inner = text.get(1..text.len() - 1).unwrap_or_default();
            let items = split(inner).into_iter().filter(|item| !item.is_empty());
            Json::Array(items.map(|item| scalar(&item)).collect())
        }
        text if text == "0" || !text.starts_with('0') => {
            text.parse::<i64>().map_or_else(|_| Json::String(text.to_owned()), Json::from)
        }
        text => Json::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_replaced() {
        let mut raw = json!({"a": {"b": 1}});
        set(&mut raw, "a.c=x,d[1]=2,e={p,q},f.g=true,h=a\\,b", |text| Ok(scalar(text))).expect("parts");
        assert_eq!(
            raw,
            json!({"a": {"b": 1, "c": "x"}, "d": [null, 2], "e": ["p", "q"], "f": {"g": true}, "h": "a,b"})
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        let raw = json!({"services": {"a": {"url": "u", "credentials": {"bearer": {"token": "s"}}}},
                         "keys": {"k": {"key": "s", "algorithm": "RS256"}}});
        let shown = Settings::of(raw).expect("settings").shown();
        assert!(!shown.contains("\"s\"") && shown.contains("RS256"), "{shown}");
    }
}
