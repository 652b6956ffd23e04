//! `govc audit ship`: delivers entries to a folder, a webhook or a bucket, each once and in order.

use super::opened::Place;
use crate::files::io_problem;
use crate::output;
use crate::problem::Problem;
use clap::Args;
use govc_audit::outbox::{Destination, ShipError};
use govc_audit::ship::Folder;
use govc_audit::{FolderDisk, Outbox};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Deliver entries elsewhere; what the receiver does not take now is delivered the next time
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc audit ship log --verification-key keys/public.pem --to shipped")]
pub(super) struct Ship {
    #[command(flatten)]
    place: Place,
    /// A folder, the address of a webhook, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "WHERE")]
    to: String,
    /// File that remembers how far the receiver is; `outbox` in the log's folder without it
    #[arg(long, value_name = "FILE")]
    state: Option<String>,
    /// The most entries in a delivery
    #[arg(long, default_value_t = 1000)]
    batch: u64,
    /// Seconds for which a receiver that does not answer is asked again
    #[arg(long, default_value_t = 0)]
    retry: u64,
    /// Value of the header `Authorization` of a webhook
    #[arg(long, env = "GOVC_SHIP_AUTHORIZATION", hide_env_values = true, value_name = "TEXT")]
    authorization: Option<String>,
    /// Address of an S3-compatible store; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Region of the store
    #[arg(long, default_value = "us-east-1")]
    region: String,
}

pub(super) fn run(args: &Ship) -> Result<(), Problem> {
    let (reader, _) = args.place.newest()?;
    let destination = destination(args)?;
    let outbox = outbox(args)?;
    let mut waited = 0;
    loop {
        match outbox.ship(&reader, &*destination) {
            Ok(count) => {
                output::println(&format!("{count} of {} delivered", reader.size()));
                return Ok(());
            }
            Err(ShipError::Receiver { .. }) if waited < args.retry => {
                let pause = (waited + 1).min(args.retry - waited).min(60);
                std::thread::sleep(Duration::from_secs(pause));
                waited += pause;
            }
            Err(error) => return Err(Problem::coded("govc_audit_ship", error.to_string())),
        }
    }
}

fn outbox(args: &Ship) -> Result<Outbox, Problem> {
    let state = args.state.clone().unwrap_or_else(|| format!("{}/outbox", args.place.path));
    let path = Path::new(&state);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let disk = FolderDisk::open(folder).map_err(|error| io_problem("open", &state, &error))?;
    let name =
        path.file_name().map_or_else(|| "outbox".to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(Outbox::new(Arc::new(disk), name, &args.place.origin, args.batch))
}

fn destination(args: &Ship) -> Result<Box<dyn Destination>, Problem> {
    if args.to.starts_with("s3://") || args.to.starts_with("http://") || args.to.starts_with("https://") {
        return remote(args).map_err(|reason| Problem::coded("govc_audit_ship", reason));
    }
    let disk = FolderDisk::open(&args.to).map_err(|error| io_problem("open", &args.to, &error))?;
    Ok(Box::new(Folder::new(Arc::new(disk))))
}

#[cfg(feature = "server")]
fn remote(args: &Ship) -> Result<Box<dyn Destination>, String> {
    use govc_audit::ship::{Bucket, Webhook};
    let agent = crate::server::services::agent(&serde_json::Value::Null, 10)?;
    let Some(place) = args.to.strip_prefix("s3://") else {
        return Ok(Box::new(Webhook::new(agent, &args.to, args.authorization.clone())));
    };
    let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("the variable `{name}` is not set"));
    let keys = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    let usual = format!("https://s3.{}.amazonaws.com", args.region);
    let endpoint = args.endpoint.as_deref().unwrap_or(&usual);
    let bucket = Bucket::new(agent, (endpoint, &args.region), (name, prefix), (&keys.0, &keys.1))?;
    Ok(Box::new(bucket))
}

#[cfg(not(feature = "server"))]
fn remote(_: &Ship) -> Result<Box<dyn Destination>, String> {
    Err("this build has no network".to_owned())
}
