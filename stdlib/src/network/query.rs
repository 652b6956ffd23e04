//! Answers of one query: the same question is asked once.

use super::{Network, cache};
use crate::operand::arg;
use crate::{Answer, BuiltinError};
use govc_value::{Heap, Value, json};
use std::collections::HashMap;

/// What one query has been told so far, by its requests. Faults are remembered too, as OPA does.
#[derive(Debug, Default)]
pub struct Told(HashMap<String, Result<String, BuiltinError>>);

impl Told {
    /// Performs `http.send(request)` unless the query has done so before.
    ///
    /// # Errors
    /// Those of [`Network::send`].
    pub fn send<'q>(&mut self, network: &Network, heap: Heap<'q>, args: &[Value<'q>]) -> Answer<'q> {
        let Some(request) = arg(args, 0).as_object() else { return network.send(heap, args) };
        let Ok(key) = super::request_key(heap, request) else { return network.send(heap, args) };
        if let Some(known) = self.0.get(&key) {
            let text = known.clone()?;
            return json::read(heap, text.as_bytes(), &json::Limits::default())
                .map_err(|error| BuiltinError::Failed(error.to_string()));
        }
        let answer = network.send(heap, args);
        if answer.as_ref().is_ok_and(|answer| !may_be_kept(*answer)) {
            return answer;
        }
        self.0.insert(key, answer.clone().map(json::to_string));
        answer
    }
}

fn may_be_kept(answer: Value<'_>) -> bool {
    let status = answer.as_object().and_then(|answer| answer.get_str("status_code").as_int());
    // A fault that is told as a value has status 0, and is a fault.
    status.is_some_and(|status| status == 0 || cache::KEPT.iter().any(|kept| i64::from(*kept) == status))
}
