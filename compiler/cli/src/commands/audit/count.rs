//! `govc audit count`: the counters of governance, over what stands in a log.
//!
//! The surprising fact: they are the counters that a running program exports, so that both can be compared.

use super::opened::Place;
use crate::output;
use crate::problem::Problem;
use clap::Args;
use govc_audit::Event;
use govc_governance::metrics::Counts;

/// Count starts, promotions, reloads and invalidations, in the text format of Prometheus
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc audit count log --verification-key keys/public.pem")]
pub(super) struct Count {
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Count) -> Result<(), Problem> {
    let (reader, _) = args.place.newest()?;
    let mut counts = Counts::default();
    for bundle in 0..reader.size().div_ceil(256) {
        for entry in reader.bundle(bundle)? {
            // A log may hold entries of others, which are no events of ours.
            if let Ok(event) = Event::read(&entry) {
                counts.observe(&event);
            }
        }
    }
    output::print(&counts.export());
    Ok(())
}
