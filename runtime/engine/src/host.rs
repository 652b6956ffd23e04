//! The outside world of a decision: clock, randomness, network.
//!
//! The surprising fact: everything is off unless the embedder hands it in. A policy that asks for what is off
//! gets no answer, and a decision that needed it is a denial. Every answer that was given is recorded, so that the
//! decision can be made again without the world.

use govc_stdlib::{BuiltinError, World};
use govc_value::{Heap, Value, json};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a policy may learn from outside. All methods have a default: no answer.
///
/// ```
/// use govc_engine::{Host, HostError};
/// /// A host with a clock that stands still.
/// struct Noon;
/// impl Host for Noon {
///     fn now_ns(&self) -> Option<i64> {
///         Some(1_700_000_000_000_000_000)
///     }
/// }
/// assert!(Noon.now_ns().is_some());
/// assert_eq!(Noon.call("rand.intn", r#"["dice",6]"#), Err(HostError::Off));
/// ```
pub trait Host: Send + Sync {
    /// Nanoseconds since 1970-01-01T00:00:00Z, or no clock. Asked once a decision.
    fn now_ns(&self) -> Option<i64> {
        None
    }

    /// Performs a builtin that needs the world, or one that the embedder has declared. `args` is a JSON array; the
    /// answer is JSON. Asked once a decision for equal arguments.
    ///
    /// # Errors
    /// [`HostError::Off`] when this host does not have it.
    fn call(&self, builtin: &str, args: &str) -> Result<String, HostError> {
        let _ = (builtin, args);
        Err(HostError::Off)
    }

    /// Receives what a policy prints, with file and row of the call.
    fn print(&self, text: &str, file: &str, row: u32) {
        let _ = (text, file, row);
    }
}

/// Why a host gives no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostError {
    /// This host does not have it.
    Off,
    /// It has it, but it failed.
    Failed(String),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostError::Off => f.write_str("not available in this host"),
            HostError::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for HostError {}

/// A host with nothing: no clock, no randomness, no network. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sealed;

impl Host for Sealed {}

/// The machine's own clock, randomness and network, each only if switched on; the network is there only with the
/// feature `network` of this crate.
///
/// ```
/// use govc_engine::{Host, SystemHost};
/// let host = SystemHost::new().with_clock();
/// assert!(host.now_ns().is_some());
/// assert!(host.call("uuid.rfc4122", r#"["k"]"#).is_err());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemHost {
    clock: bool,
    randomness: bool,
    #[cfg(feature = "network")]
    network: bool,
}

impl SystemHost {
    /// A host with nothing switched on.
    pub fn new() -> Self {
        Self::default()
    }

    /// With `time.now_ns`.
    #[must_use]
    pub fn with_clock(mut self) -> Self {
        self.clock = true;
        self
    }

    /// With `rand.intn` and `uuid.rfc4122`.
    #[must_use]
    pub fn with_randomness(mut self) -> Self {
        self.randomness = true;
        self
    }

    /// With `http.send` and `net.lookup_ip_addr`: policies may then ask whomever this machine reaches.
    #[cfg(feature = "network")]
    #[must_use]
    pub fn with_network(mut self) -> Self {
        self.network = true;
        self
    }
}

impl Host for SystemHost {
    fn now_ns(&self) -> Option<i64> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        self.clock.then(|| i64::try_from(now.as_nanos()).ok())?
    }

    fn call(&self, builtin: &str, args: &str) -> Result<String, HostError> {
        match builtin {
            "rand.intn" if self.randomness => random_below(args),
            "uuid.rfc4122" if self.randomness => random_uuid(),
            #[cfg(feature = "network")]
            "http.send" if self.network => network(args, govc_stdlib::network::send),
            #[cfg(feature = "network")]
            "net.lookup_ip_addr" if self.network => network(args, govc_stdlib::network::look_up),
            _ => Err(HostError::Off),
        }
    }
}

/// Asks the network, with arguments and answer as JSON.
#[cfg(feature = "network")]
fn network(
    args: &str,
    ask: for<'q> fn(Heap<'q>, &[Value<'q>]) -> Result<Value<'q>, BuiltinError>,
) -> Result<String, HostError> {
    let failed = |text: &dyn fmt::Display| HostError::Failed(text.to_string());
    let arena = govc_value::Arena::new(NETWORK_MEMORY);
    let heap = Heap::new(&arena, govc_value::SymbolTable::empty());
    let args = json::read(heap, args.as_bytes(), &json::Limits::default()).map_err(|error| failed(&error))?;
    let args: Vec<_> = args.entries().map(|(_, arg)| arg).collect();
    ask(heap, &args).map(json::to_string).map_err(|error| failed(&error))
}

/// Bytes that one answer of the network may take.
#[cfg(feature = "network")]
const NETWORK_MEMORY: usize = 1 << 30;

fn random<const N: usize>() -> Result<[u8; N], HostError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| HostError::Failed("no randomness".to_owned()))?;
    Ok(bytes)
}

/// OPA's `rand.intn(seed, n)`: below the absolute value of `n`, and 0 for 0.
fn random_below(args: &str) -> Result<String, HostError> {
    let (_, n): (serde_json::Value, i64) =
        serde_json::from_str(args).map_err(|e| HostError::Failed(e.to_string()))?;
    let bound = u128::from(n.unsigned_abs());
    // 128 random bits for a bound of 64: the bias is below 2^-64.
    let drawn = u128::from_le_bytes(random()?).checked_rem(bound).unwrap_or(0);
    Ok(drawn.to_string())
}

/// A version 4 UUID.
fn random_uuid() -> Result<String, HostError> {
    let bits = u128::from_be_bytes(random()?);
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    Ok(format!("\"{}-{}-{}-{}-{}\"", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)))
}

/// Outside answers by builtin and arguments: OPA's `nd_builtin_cache`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answers(BTreeMap<String, BTreeMap<String, Box<RawValue>>>);

impl Answers {
    /// The answer of a builtin for arguments, as JSON.
    pub fn get(&self, builtin: &str, args: &str) -> Option<&str> {
        self.0.get(builtin)?.get(args).map(|answer| answer.get())
    }

    /// The same answers to the same questions?
    pub(crate) fn same(&self, other: &Self) -> bool {
        let texts = |answers: &Self| -> Vec<(String, String, String)> {
            let each = answers.0.iter().flat_map(|(builtin, calls)| {
                calls
                    .iter()
                    .map(move |(args, answer)| (builtin.clone(), args.clone(), answer.get().to_owned()))
            });
            each.collect()
        };
        texts(self) == texts(other)
    }

    /// Was nothing asked?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn record(&mut self, builtin: &str, args: &str, answer: &str) -> Result<(), HostError> {
        let answer = RawValue::from_string(answer.to_owned())
            .map_err(|e| HostError::Failed(format!("the host's answer is not JSON: {e}")))?;
        self.0.entry(builtin.to_owned()).or_default().insert(args.to_owned(), answer);
        Ok(())
    }
}

/// Answers of an earlier decision, given again.
pub(crate) struct Replay<'a>(pub(crate) &'a Answers);

const CLOCK: &str = "time.now_ns";
const NO_ARGS: &str = "[]";

impl Host for Replay<'_> {
    fn now_ns(&self) -> Option<i64> {
        self.0.get(CLOCK, NO_ARGS)?.parse().ok()
    }

    fn call(&self, builtin: &str, args: &str) -> Result<String, HostError> {
        self.0.get(builtin, args).map(str::to_owned).ok_or(HostError::Off)
    }
}

/// A host as the machine sees it for one decision: asks once, records what it got.
pub(crate) struct Recorder<'h> {
    host: &'h dyn Host,
    answers: Answers,
    now: Option<i64>,
    missing: Option<String>,
}

impl<'h> Recorder<'h> {
    pub(crate) fn new(host: &'h dyn Host) -> Self {
        Self { host, answers: Answers::default(), now: None, missing: None }
    }

    /// A builtin that was asked for although the host does not have it. Then the answer of the query is worthless.
    pub(crate) fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    pub(crate) fn into_answers(self) -> Answers {
        self.answers
    }

    fn ask(&mut self, builtin: &str, args: &str) -> Result<String, HostError> {
        if let Some(known) = self.answers.get(builtin, args) {
            return Ok(known.to_owned());
        }
        let answer = self.host.call(builtin, args)?;
        self.answers.record(builtin, args, &answer)?;
        Ok(answer)
    }
}

impl World for Recorder<'_> {
    fn now_ns(&mut self) -> i64 {
        if let Some(now) = self.now {
            return now;
        }
        let Some(now) = self.host.now_ns() else {
            self.missing.get_or_insert_with(|| CLOCK.to_owned());
            return 0;
        };
        self.now = Some(now);
        // A number is always JSON.
        let _ = self.answers.record(CLOCK, NO_ARGS, &now.to_string());
        now
    }

    fn call<'q>(
        &mut self,
        name: &str,
        heap: Heap<'q>,
        args: &[Value<'q>],
    ) -> Result<Value<'q>, BuiltinError> {
        if name == CLOCK {
            return Ok(Value::int(self.now_ns()));
        }
        let answer = self.ask(name, &args_text(args)).map_err(|error| match error {
            HostError::Off => {
                self.missing.get_or_insert_with(|| name.to_owned());
                BuiltinError::Fatal(error.to_string())
            }
            HostError::Failed(why) => BuiltinError::Failed(why),
        })?;
        json::read(heap, answer.as_bytes(), &json::Limits::default())
            .map_err(|e| BuiltinError::Failed(format!("the host's answer is not JSON: {e}")))
    }

    fn print(&mut self, text: &str, file: &str, row: u32) {
        self.host.print(text, file, row);
    }
}

/// Arguments as a JSON array, the key of OPA's cache.
fn args_text(args: &[Value<'_>]) -> String {
    let parts: Vec<String> = args.iter().map(|arg| json::to_string(*arg)).collect();
    format!("[{}]", parts.join(","))
}
