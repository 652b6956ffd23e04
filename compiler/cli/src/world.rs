//! The outside world as the command line gives it: clock, randomness, environment, `print` to standard error.
//!
//! Answers stay the same within one query where OPA's do, so each query gets a world of its own. As with OPA, policies may
//! send requests.

use govc_stdlib::network::{Network, Told};
use govc_stdlib::{BuiltinError, World};
use govc_value::{Heap, Value, json};
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// The network of this process: all queries share what requests want kept, and a process has one set of capabilities.
static NETWORK: OnceLock<Network> = OnceLock::new();

/// Lets policies ask these hosts only (`allow_net` of capabilities). The first word counts.
pub(crate) fn allow_hosts(hosts: Vec<String>) {
    let _ = NETWORK.set(Network::new().only(hosts));
}

fn network() -> &'static Network {
    NETWORK.get_or_init(Network::new)
}

/// Clock, randomness and environment of this process.
#[derive(Debug)]
pub(crate) struct Terminal {
    now: i64,
    numbers: HashMap<(String, i64), i64>,
    uuids: HashMap<String, String>,
    told: Told,
    /// What `print` has printed, if it is kept rather than shown.
    pub(crate) printed: Option<String>,
    /// The marked places that were evaluated.
    pub(crate) marked: BTreeSet<u32>,
    /// The cases that the test has come to, each as a JSON array.
    pub(crate) cases: Vec<String>,
}

impl Terminal {
    /// A world that shows what is printed on standard error.
    pub(crate) fn new() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX);
        Self {
            now,
            numbers: HashMap::new(),
            uuids: HashMap::new(),
            told: Told::default(),
            printed: None,
            marked: BTreeSet::new(),
            cases: Vec::new(),
        }
    }

    /// A world that keeps what is printed.
    pub(crate) fn keeping_prints() -> Self {
        Self { printed: Some(String::new()), ..Self::new() }
    }

    /// `rand.intn(str, n)`: the same pair gives the same number within a query.
    fn number(&mut self, args: &[Value<'_>]) -> i64 {
        let key = args.first().and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let bound = args.get(1).and_then(|v| v.as_int()).unwrap_or(0);
        if bound == 0 {
            return 0;
        }
        let draw = || i64::try_from(random() % bound.unsigned_abs()).unwrap_or(0);
        *self.numbers.entry((key, bound)).or_insert_with(draw)
    }

    fn uuid(&mut self, args: &[Value<'_>]) -> &str {
        let key = args.first().and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        self.uuids.entry(key).or_insert_with(uuid_v4)
    }
}

/// A random version 4 UUID (RFC 9562).
pub(crate) fn uuid_v4() -> String {
    let (high, low) = (random(), random());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48 & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// 64 bits from the keys that the standard library draws from the system for each hash map.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl World for Terminal {
    fn now_ns(&mut self) -> i64 {
        self.now
    }

    fn call<'q>(
        &mut self,
        name: &str,
        heap: Heap<'q>,
        args: &[Value<'q>],
    ) -> Result<Value<'q>, BuiltinError> {
        match name {
            "rand.intn" => Ok(Value::int(self.number(args))),
            "uuid.rfc4122" => Ok(heap.string(self.uuid(args))),
            "time.now_ns" => Ok(Value::int(self.now)),
            "opa.runtime" => Ok(runtime(heap)),
            "http.send" => self.told.send(network(), heap, args),
            "net.lookup_ip_addr" => network().look_up(heap, args),
            "rego.parse_module" => parse_module(heap, args),
            _ => Err(BuiltinError::Unsupported(format!(
                "builtin `{name}` is not performed by the command line yet"
            ))),
        }
    }

    fn test_case(&mut self, path: Value<'_>) {
        self.cases.push(govc_value::json::to_string(path));
    }

    fn print(&mut self, text: &str, _file: &str, _row: u32) {
        match &mut self.printed {
            Some(kept) => {
                kept.push_str(text);
                kept.push('\n');
            }
            None => crate::output::eprintln(text),
        }
    }

    fn mark(&mut self, place: u32) {
        self.marked.insert(place);
    }
}

/// `rego.parse_module(name, text)`.
fn parse_module<'q>(heap: Heap<'q>, args: &[Value<'q>]) -> Result<Value<'q>, BuiltinError> {
    let text = |at: usize| args.get(at).and_then(|value| value.as_str()).unwrap_or_default();
    let parsed = govc_syntax::opa_json::parse(text(0), text(1)).map_err(BuiltinError::Failed)?;
    json::read(heap, parsed.as_bytes(), &json::Limits::default())
        .map_err(|error| BuiltinError::Failed(error.to_string()))
}

/// `opa.runtime()`: environment, version, commit.
fn runtime(heap: Heap<'_>) -> Value<'_> {
    let string = |text: &str| heap.string(text);
    let variables = std::env::vars_os().map(|(k, v)| (k.to_string_lossy().into_owned(), v));
    let mut env: Vec<_> = variables.map(|(k, v)| (string(&k), string(&v.to_string_lossy()))).collect();
    let mut entries = vec![
        (string("commit"), string("")),
        (string("env"), heap.object(&mut env)),
        (string("version"), string("1.20.2")),
    ];
    heap.object(&mut entries)
}
