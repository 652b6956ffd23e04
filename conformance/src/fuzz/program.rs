//! A program as both sides get it, and what became of it.

use govc_syntax::RegoVersion;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Modules, documents and the question.
#[derive(Clone, Debug)]
pub struct Program {
    /// The language where a module does not say it.
    pub version: RegoVersion,
    /// The modules' texts.
    pub modules: Vec<String>,
    /// The base documents, as JSON.
    pub data: Rc<str>,
    /// The input, as JSON; absent is undefined.
    pub input: Option<String>,
    /// What is asked.
    pub query: String,
    /// The first error of a builtin ends the query.
    pub strict: bool,
    /// The constructs and builtins in it.
    pub marks: BTreeSet<&'static str>,
}

impl Program {
    /// A module that says in comments how it is asked: `# version: v0`, `# data: JSON`, `# input: JSON`, `# query: BODY`,
    /// `# strict: true`. Without them: v1, no documents, all of package `fz`, errors of builtins are undefined.
    pub fn written(text: &str) -> Self {
        let version =
            if written(text, "version").as_deref() == Some("v0") { RegoVersion::V0 } else { RegoVersion::V1 };
        Self {
            version,
            modules: vec![text.to_owned()],
            data: written(text, "data").unwrap_or("{}".to_owned()).into(),
            input: written(text, "input"),
            query: written(text, "query").unwrap_or("x = data.fz; sprintf(\"%v\", [x], t)".to_owned()),
            strict: written(text, "strict").as_deref() == Some("true"),
            marks: BTreeSet::new(),
        }
    }

    /// As files, one after the other, for reports and for cases.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for module in &self.modules {
            text.push_str(&format!("# module {:?}\n{}\n", self.version, module.trim_end()));
        }
        if &*self.data != "{}" {
            text.push_str(&format!("# data\n{}\n", self.data));
        }
        if let Some(input) = &self.input {
            text.push_str(&format!("# input\n{input}\n"));
        }
        let strict = if self.strict { " strict" } else { "" };
        text.push_str(&format!("# query{strict}\n{}\n", self.query));
        text
    }

    /// The same program with the base document `data.doc` in the input, as `input.store`; nothing where it has none.
    pub fn with_store_as_input(&self) -> Option<Self> {
        let data: serde_json::Value = serde_json::from_str(&self.data).ok()?;
        let mut input = serde_json::from_str(self.input.as_deref().unwrap_or("{}")).ok()?;
        let serde_json::Value::Object(members) = &mut input else { return None };
        members.insert("store".to_owned(), data.get("doc")?.clone());
        let modules = self.modules.iter().map(|text| text.replace("data.doc", "input.store")).collect();
        Some(Self { modules, input: Some(input.to_string()), ..self.clone() })
    }
}

/// What a comment of a module says: the rest of the line that begins with `# KEY: `.
pub fn written(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(&format!("# {key}: "))).map(str::to_owned)
}

/// What became of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The bindings of each solution, canonical and sorted.
    Solutions(Vec<String>),
    /// Refused before it ran: the codes of the errors.
    Refused(BTreeSet<String>),
    /// The query ended with an error of this code.
    Failed(String),
    /// It did not come to an end, or fell over.
    Broken(String),
}

impl Outcome {
    /// A short name of the kind of outcome, by which differences are grouped.
    pub fn kind(&self) -> String {
        match self {
            Self::Solutions(rows) if rows.is_empty() => "undefined".to_owned(),
            Self::Solutions(_) => "value".to_owned(),
            Self::Refused(codes) => codes.iter().cloned().collect::<Vec<_>>().join("+"),
            Self::Failed(code) => code.clone(),
            Self::Broken(how) => how.chars().take(60).collect(),
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Solutions(rows) => write!(f, "[{}]", rows.join(", ")),
            Self::Refused(codes) => write!(f, "refused {codes:?}"),
            Self::Failed(code) => write!(f, "error {code}"),
            Self::Broken(how) => write!(f, "broken: {how}"),
        }
    }
}
