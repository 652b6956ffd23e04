//! A host with parts of the machine's own world.

use super::{Host, HostError};
#[cfg(feature = "network")]
use govc_stdlib::network::Network;
#[cfg(feature = "network")]
use govc_value::{Heap, json};
#[cfg(feature = "network")]
use std::fmt;
#[cfg(feature = "network")]
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The machine's own clock, randomness and network, each only if switched on; the network is there only with the
/// feature `network` of this crate.
///
/// ```
/// use govc_engine::{Host, SystemHost};
/// let host = SystemHost::new().with_clock();
/// assert!(host.now_ns().is_some());
/// assert!(host.call("uuid.rfc4122", r#"["k"]"#).is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct SystemHost {
    clock: bool,
    randomness: bool,
    #[cfg(feature = "network")]
    network: Option<Arc<Network>>,
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
        self.network = Some(Arc::default());
        self
    }

    /// With these hosts of the network only, as `allow_net` of OPA's capabilities says it: names without ports.
    #[cfg(feature = "network")]
    #[must_use]
    pub fn with_hosts(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.network = Some(Arc::new(Network::new().only(hosts)));
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
            "http.send" | "net.lookup_ip_addr" => ask(self.network.as_deref(), builtin, args),
            _ => Err(HostError::Off),
        }
    }
}

/// Asks the network, with arguments and answer as JSON.
#[cfg(feature = "network")]
fn ask(network: Option<&Network>, builtin: &str, args: &str) -> Result<String, HostError> {
    let network = network.ok_or(HostError::Off)?;
    let failed = |text: &dyn fmt::Display| HostError::Failed(text.to_string());
    let arena = govc_value::Arena::new(NETWORK_MEMORY);
    let heap = Heap::new(&arena, govc_value::SymbolTable::empty());
    let args = json::read(heap, args.as_bytes(), &json::Limits::default()).map_err(|error| failed(&error))?;
    let args: Vec<_> = args.entries().map(|(_, arg)| arg).collect();
    let answer = match builtin {
        "http.send" => network.send(heap, &args),
        _ => network.look_up(heap, &args),
    };
    answer.map(json::to_string).map_err(|error| failed(&error))
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
