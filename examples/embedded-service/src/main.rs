//! A service that decides: `embedded-service BUNDLE PUBLIC_KEY ENTRYPOINT ADDRESS`.
//!
//! `POST /decide` with an input answers `{"decision": ..., "reasons": [...]}`. `PUT /bundle` with a bundle puts it in force, if it is
//! signed with the key; otherwise the one before stays. Whatever goes wrong is a denial.

mod http;

use govc_engine::{Engine, PolicyHandle, Query, Scratch, SystemHost, Trust, VerifyingKey};
use http::{Request, Response};
use std::error::Error;
use std::net::TcpListener;

const THREADS: usize = 4;

struct Service {
    policy: PolicyHandle,
    trust: Trust,
    entrypoint: String,
}

impl Service {
    fn answer(&self, request: &Request, scratch: &mut Scratch) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/decide") => self.decide(&request.body, scratch),
            ("PUT", "/bundle") => self.reload(&request.body),
            _ => Response::deny(404, "there is nothing here"),
        }
    }

    fn decide(&self, input: &[u8], scratch: &mut Scratch) -> Response {
        let host = SystemHost::new().with_clock();
        let query = Query::new(&self.entrypoint).input_json(input).host(&host);
        let decision = self.policy.current().decide(scratch, &query);
        let status = if decision.error().is_some() { 400 } else { 200 };
        Response::decision(status, decision.effect().name(), decision.reasons(), decision.bundle())
    }

    fn reload(&self, bundle: &[u8]) -> Response {
        match self.policy.reload(bundle, &self.trust) {
            Ok(_) => Response::bundle(200, "in force", self.policy.current().digest()),
            Err(refused) => Response::bundle(409, refused.code(), self.policy.current().digest()),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [bundle, key, entrypoint, address] = <[String; 4]>::try_from(args)
        .map_err(|_| "usage: embedded-service BUNDLE PUBLIC_KEY ENTRYPOINT ADDRESS")?;
    let trust = Trust::key(VerifyingKey::from_pem(&std::fs::read_to_string(key)?)?);
    let policy = PolicyHandle::new(Engine::load(&std::fs::read(bundle)?, &trust)?);
    let (service, listener) = (Service { policy, trust, entrypoint }, TcpListener::bind(address)?);
    println!("listening on {}", listener.local_addr()?);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| http::serve(&listener, &mut Scratch::new(), |r, s| service.answer(r, s)));
        }
    });
    Ok(())
}
