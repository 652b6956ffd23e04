//! A world for suites: a clock that stands still, numbers that are not random, names that need no network.

use govc_stdlib::{BuiltinError, World};
use govc_value::{Heap, Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The world in which OPA's cases run.
#[derive(Clone, Debug)]
pub struct SuiteWorld {
    /// The time, in nanoseconds since 1970.
    now: i64,
    /// Identifiers by their keys: the same within a query, each another.
    ids: BTreeMap<String, u64>,
}

impl Default for SuiteWorld {
    fn default() -> Self {
        Self::at(1_790_000_000_000_000_000)
    }
}

impl SuiteWorld {
    /// The world at a time.
    pub fn at(now: i64) -> Self {
        Self { now, ids: BTreeMap::new() }
    }
}

impl World for SuiteWorld {
    fn now_ns(&mut self) -> i64 {
        self.now
    }

    fn call<'q>(
        &mut self,
        name: &str,
        heap: Heap<'q>,
        args: &[Value<'q>],
    ) -> Result<Value<'q>, BuiltinError> {
        let text = |at: usize| args.get(at).and_then(|value| value.as_str()).unwrap_or_default();
        match name {
            "time.now_ns" => Ok(Value::int(self.now_ns())),
            "rand.intn" => Ok(Value::int(0)),
            // OPA's own test binary has it; our clock stands still anyway.
            "test.sleep" => Ok(Value::null()),
            "uuid.rfc4122" => {
                let next = self.ids.len() as u64 + 1;
                let id = self.ids.entry(text(0).to_owned()).or_insert(next);
                Ok(heap.string(&format!("00000000-0000-4000-8000-{id:012x}")))
            }
            "opa.runtime" => Ok(heap.object(&mut Vec::new())),
            "net.lookup_ip_addr" => look_up(heap, text(0)),
            "rego.parse_module" => {
                let parsed = govc_syntax::opa_json::parse(text(0), text(1)).map_err(BuiltinError::Failed)?;
                json::read(heap, parsed.as_bytes(), &json::Limits::default())
                    .map_err(|e| BuiltinError::Failed(e.to_string()))
            }
            _ => Err(BuiltinError::Unsupported(format!("`{name}` is not performed by this world"))),
        }
    }

    fn print(&mut self, _text: &str, _file: &str, _row: u32) {}
}

fn look_up<'q>(heap: Heap<'q>, name: &str) -> Result<Value<'q>, BuiltinError> {
    let address = if name == "localhost" { "127.0.0.1" } else { name };
    match address.parse::<IpAddr>() {
        Ok(address) => Ok(heap.set(&mut vec![heap.string(&address.to_string())])),
        Err(_) => Err(BuiltinError::Failed(format!("lookup {name}: no such host"))),
    }
}
