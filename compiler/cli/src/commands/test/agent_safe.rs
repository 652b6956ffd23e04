//! `govc test --world`: Agent-Safe's policy tests.

use crate::agent_safe::{Compat, cases};
use crate::exit::Exit;
use crate::output;
use clap::Args;
use std::path::Path;

/// Policy tests of Agent-Safe instead of tests in Rego.
#[derive(Args, Debug)]
#[command(next_help_heading = "Agent-Safe")]
pub(super) struct AgentSafe {
    /// Folder with `actions/`, `policies/` and `inventory.yaml`; the paths are then policy tests in YAML
    #[arg(long, value_name = "FOLDER")]
    world: Option<String>,
    /// Deny what Agent-Safe lets pass unsafely, or decide as it does
    #[arg(long, value_enum, default_value = "strict", requires = "world")]
    compat: Compat,
}

impl AgentSafe {
    /// Runs the policy tests, if there is a world.
    pub(super) fn run(&self, paths: &[String], verbose: bool) -> Option<Exit> {
        let folder = Path::new(self.world.as_ref()?);
        Some(match cases::policy_tests(folder, self.compat, paths) {
            Ok(outcomes) => report(&outcomes, verbose),
            Err(problems) => {
                problems.iter().for_each(|problem| output::eprintln(&format!("error: {}", problem.message)));
                Exit::Failure
            }
        })
    }
}

fn report(outcomes: &[cases::Outcome], verbose: bool) -> Exit {
    for outcome in outcomes {
        match &outcome.failure {
            Some(why) => {
                output::println(&format!("{}: {}: FAIL: {why}", outcome.file.display(), outcome.name))
            }
            None if verbose => {
                output::println(&format!("{}: {}: PASS", outcome.file.display(), outcome.name))
            }
            None => {}
        }
    }
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    output::println(&format!("PASS: {}/{}", outcomes.len() - failed, outcomes.len()));
    if failed > 0 {
        output::println(&format!("FAIL: {failed}/{}", outcomes.len()));
        return Exit::Error;
    }
    Exit::Success
}
