//! Builtins that the embedder performs with functions of its own.
//!
//! They are declared once, in the form of OPA's capabilities files: `govc build --builtins SET.json` checks policies
//! against the declarations, and [`HostFunctions::declared`] holds the functions to the same.

use super::{Host, HostError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;

type Function = Box<dyn Fn(&str) -> Result<String, HostError> + Send + Sync>;

/// A host with functions for builtins that the standard library does not have. Whatever it has no function for, it
/// asks of the host below: by default of [`Sealed`](super::Sealed), which has nothing.
///
/// ```
/// use govc_engine::{Host, HostFunctions, SystemHost};
/// let declarations = br#"{"builtins": [{"name": "geo.country", "decl": {"type": "function",
///     "args": [{"type": "string"}], "result": {"type": "string"}}}]}"#;
/// let host = HostFunctions::over(SystemHost::new().with_clock())
///     .declared(declarations)?
///     .function("geo.country", |(address,): (String,)| Ok(if address == "192.0.2.1" { "NL" } else { "SE" }))?
///     .complete()?;
/// assert_eq!(host.call("geo.country", r#"["192.0.2.1"]"#).as_deref(), Ok(r#""NL""#));
/// assert!(host.now_ns().is_some());
/// # Ok::<(), govc_engine::FunctionError>(())
/// ```
pub struct HostFunctions<H = super::Sealed> {
    below: H,
    /// Number of arguments of each declared builtin; absent as long as nothing was declared.
    declared: Option<BTreeMap<String, Arity>>,
    functions: BTreeMap<String, Function>,
}

/// How many arguments a builtin takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Arity {
    least: usize,
    variadic: bool,
}

/// Why a function cannot be a builtin, or why a declaration has none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FunctionError {
    /// The declarations are not a capabilities file.
    Declarations(String),
    /// No declaration has this name.
    Undeclared(String),
    /// There is a function of this name already, or a builtin of the standard library.
    Twice(String),
    /// These are declared, but have no function.
    Missing(Vec<String>),
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declarations(why) => write!(f, "the declarations of builtins cannot be read: {why}"),
            Self::Undeclared(name) => write!(f, "no builtin `{name}` is declared"),
            Self::Twice(name) => write!(f, "builtin `{name}` is there already"),
            Self::Missing(names) => {
                write!(f, "declared builtins without a function: `{}`", names.join("`, `"))
            }
        }
    }
}

impl std::error::Error for FunctionError {}

impl HostFunctions {
    /// Functions and nothing else.
    pub fn new() -> Self {
        Self::over(super::Sealed)
    }
}

impl Default for HostFunctions {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Host> HostFunctions<H> {
    /// Functions before another host.
    pub fn over(below: H) -> Self {
        Self { below, declared: None, functions: BTreeMap::new() }
    }

    /// Takes only functions for the builtins that `document` declares, in the form of a capabilities file.
    /// Later documents add to earlier ones.
    ///
    /// # Errors
    /// [`FunctionError::Declarations`] when the document declares nothing.
    pub fn declared(mut self, document: &[u8]) -> Result<Self, FunctionError> {
        let refused = |why: &dyn fmt::Display| FunctionError::Declarations(why.to_string());
        let document: serde_json::Value =
            serde_json::from_slice(document).map_err(|error| refused(&error))?;
        let list = document.get("builtins").and_then(serde_json::Value::as_array);
        for entry in list.ok_or_else(|| refused(&"no list `builtins`"))? {
            let (name, arity) = declaration(entry).ok_or_else(|| refused(entry))?;
            self.declared.get_or_insert_default().insert(name, arity);
        }
        Ok(self)
    }

    /// Performs a builtin with a function. Its argument is a tuple of the builtin's arguments, its result the answer;
    /// both as serde reads and writes them in JSON, where a set is an array. A call whose arguments cannot be read
    /// fails as a builtin that gets a value of a wrong type does. It is asked once a decision for equal arguments.
    ///
    /// # Errors
    /// [`FunctionError::Undeclared`] and [`FunctionError::Twice`].
    pub fn function<A, R, F>(mut self, name: &str, function: F) -> Result<Self, FunctionError>
    where
        A: DeserializeOwned,
        R: Serialize,
        F: Fn(A) -> Result<R, HostError> + Send + Sync + 'static,
    {
        let arity = match &self.declared {
            None => None,
            Some(declared) => {
                Some(*declared.get(name).ok_or_else(|| FunctionError::Undeclared(name.to_owned()))?)
            }
        };
        if govc_stdlib::lookup(name).is_some() || self.functions.contains_key(name) {
            return Err(FunctionError::Twice(name.to_owned()));
        }
        let perform = move |text: &str| {
            arity.map_or(Ok(()), |arity| arity.admits(text))?;
            let args: A = arguments(text).map_err(|error| failed(&error))?;
            serde_json::to_string(&function(args)?).map_err(|error| failed(&error))
        };
        self.functions.insert(name.to_owned(), Box::new(perform));
        Ok(self)
    }

    /// The host, if every declared builtin has its function.
    ///
    /// # Errors
    /// [`FunctionError::Missing`], with all that are missing.
    pub fn complete(self) -> Result<Self, FunctionError> {
        let declared = self.declared.iter().flat_map(BTreeMap::keys);
        let missing: Vec<String> =
            declared.filter(|name| !self.functions.contains_key(*name)).cloned().collect();
        if missing.is_empty() { Ok(self) } else { Err(FunctionError::Missing(missing)) }
    }
}

impl Arity {
    fn admits(self, args: &str) -> Result<(), HostError> {
        let given: Vec<serde::de::IgnoredAny> = serde_json::from_str(args).map_err(|error| failed(&error))?;
        if given.len() == self.least || (self.variadic && given.len() > self.least) {
            return Ok(());
        }
        Err(HostError::Failed(format!("declared with {} arguments, called with {}", self.least, given.len())))
    }
}

/// serde reads a tuple of no values from `null`, not from an empty array.
fn arguments<A: DeserializeOwned>(text: &str) -> serde_json::Result<A> {
    serde_json::from_str(text).or_else(|error| match text {
        "[]" => serde_json::from_str("null"),
        _ => Err(error),
    })
}

fn failed(why: &dyn fmt::Display) -> HostError {
    HostError::Failed(why.to_string())
}

fn declaration(entry: &serde_json::Value) -> Option<(String, Arity)> {
    let decl = entry.get("decl").filter(|decl| decl.get("type").is_some_and(|t| t == "function"))?;
    let least = decl.get("args").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
    let variadic = decl.get("variadic").is_some_and(|v| !v.is_null());
    Some((entry.get("name")?.as_str()?.to_owned(), Arity { least, variadic }))
}

impl<H: Host> Host for HostFunctions<H> {
    fn now_ns(&self) -> Option<i64> {
        self.below.now_ns()
    }

    fn call(&self, builtin: &str, args: &str) -> Result<String, HostError> {
        match self.functions.get(builtin) {
            Some(function) => function(args),
            None => self.below.call(builtin, args),
        }
    }

    fn print(&self, text: &str, file: &str, row: u32) {
        self.below.print(text, file, row);
    }
}

impl<H: fmt::Debug> fmt::Debug for HostFunctions<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.functions.keys().collect();
        f.debug_struct("HostFunctions").field("below", &self.below).field("functions", &names).finish()
    }
}
