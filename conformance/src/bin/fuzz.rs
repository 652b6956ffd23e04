//! `fuzz [N] [SEED] [--from NUMBER] [--mutants] [--plant FAULT] [--show NUMBER] [--file FILE]`: N random programs through
//! us and through `opa`. Prints what they covered, what differs (made small, by cause), and how often.
//!
//! `--mutants` changes OPA's cases instead. `--plant` plants a fault on our side (a name of `Fault`, or `all`) and says
//! after how many programs it was found. `--show` prints one program and both answers, `--file FILE` those to
//! a module with comments as in `tests/found`.

use govc_conformance::fuzz::campaign::Campaign;
use govc_conformance::fuzz::faults::Fault;
use govc_conformance::fuzz::mutate::Originals;
use govc_conformance::fuzz::opa::Opa;
use govc_conformance::fuzz::{Program, grammar, ours};
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

/// Characters of a line that are shown.
const WIDTH: usize = 600;

/// The stream of programs.
struct Stream {
    seed: u64,
    documents: Option<(u64, Rc<grammar::Base>)>,
    originals: Option<Originals>,
}

impl Stream {
    fn program(&mut self, number: u64) -> Program {
        match &self.originals {
            Some(originals) => originals.mutant(self.seed, number),
            None => grammar::program(self.seed, number, &mut self.documents),
        }
    }
}

struct Arguments {
    count: u64,
    seed: u64,
    from: u64,
    mutants: bool,
    plant: Option<String>,
    show: Option<u64>,
    file: Option<String>,
}

fn arguments() -> Arguments {
    let mut found =
        Arguments { count: 2_000, seed: 1, from: 0, mutants: false, plant: None, show: None, file: None };
    let mut plain = 0;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        match arg.as_str() {
            "--from" => found.from = number(),
            "--show" => found.show = Some(number()),
            "--mutants" => found.mutants = true,
            "--file" => found.file = args.next(),
            "--plant" => found.plant = args.next(),
            _ => {
                let number = arg.parse().unwrap_or(0);
                if plain == 0 {
                    found.count = number
                } else {
                    found.seed = number
                }
                plain += 1;
            }
        }
    }
    found
}

fn main() {
    // Programs may nest deeply; this is the stack of the command.
    let worker = std::thread::Builder::new().stack_size(1 << 30).spawn(work);
    if let Ok(Err(panic)) = worker.map(std::thread::JoinHandle::join) {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        eprintln!("panic: {}", text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?"));
        std::process::exit(1);
    }
}

fn work() {
    let arguments = arguments();
    let Some(opa) = govc_conformance::opa() else {
        println!("skipped: this needs `opa` on PATH");
        return;
    };
    let originals = match arguments.mutants.then(|| govc_conformance::shared("opa/cases")) {
        None => None,
        Some(Some(folder)) => Some(Originals::cases(&folder)),
        Some(None) => {
            println!("skipped: this needs OPA's cases beside the checkout (or GOVC_SHARED)");
            return;
        }
    };
    let mut stream = Stream { seed: arguments.seed, documents: None, originals };
    std::panic::set_hook(Box::new(|_| {}));
    if let Some(file) = &arguments.file {
        return show(&opa, &Program::written(&std::fs::read_to_string(file).unwrap_or_default()));
    }
    match (&arguments.show, &arguments.plant) {
        (Some(number), _) => show(&opa, &stream.program(*number)),
        (None, Some(name)) => plant(&opa, &mut stream, &arguments, name),
        (None, None) => search(&opa, &mut stream, &arguments),
    }
}

fn show(opa: &Path, program: &Program) {
    println!("{}", program.text());
    println!("ours   {}", ours::outcome(program, None));
    println!("theirs {}", Opa::new(opa).outcome(program));
}

fn plant(opa: &Path, stream: &mut Stream, arguments: &Arguments, name: &str) {
    for fault in Fault::ALL.into_iter().filter(|f| name == "all" || format!("{f:?}") == name) {
        let mut campaign = Campaign::new(Opa::new(opa), Some(fault));
        let numbers = arguments.from..arguments.from + arguments.count;
        let found = numbers.into_iter().find(|n| !campaign.agrees(&stream.program(*n)));
        match found {
            Some(number) => println!("{fault:?}: found at program {number}"),
            None => println!("{fault:?}: NOT FOUND"),
        }
    }
}

fn search(opa: &Path, stream: &mut Stream, arguments: &Arguments) {
    let mut campaign = Campaign::new(Opa::new(opa), None);
    let start = Instant::now();
    for done in 0..arguments.count {
        let number = arguments.from + done;
        let program = stream.program(number);
        let watch = Instant::now();
        if !campaign.run(number, &program) {
            eprintln!("program {number} differs ({} so far)", campaign.differences);
        }
        if watch.elapsed().as_secs() > 20 {
            eprintln!("program {number} took {} s", watch.elapsed().as_secs());
        }
        if done % 5_000 == 4_999 {
            eprintln!(
                "{} programs, {} differ, {} s",
                done + 1,
                campaign.differences,
                start.elapsed().as_secs()
            );
        }
    }
    report(&campaign, arguments, start.elapsed().as_secs());
}

fn report(campaign: &Campaign, arguments: &Arguments, seconds: u64) {
    for (cause, differences) in &campaign.causes {
        println!("=== {} times: {}", differences.len(), cause.chars().take(WIDTH).collect::<String>());
        let first = &differences[0];
        println!("--- program {}", first.number);
        let text = format!("{}ours   {}\ntheirs {}\n", first.program.text(), first.ours, first.theirs);
        text.lines().for_each(|line| println!("{}", line.chars().take(WIDTH).collect::<String>()));
    }
    let coverage = &campaign.coverage;
    if !arguments.mutants {
        println!("programs that opa runs, by construct and builtin:");
        for (mark, count) in &coverage.marks {
            println!("{count:8} {mark}");
        }
        let rare = coverage.rare(&grammar::all_marks(), 200);
        println!("below 200: {rare:?}");
    }
    println!("explained differences by their place in gaps.toml: {:?}", campaign.explained);
    println!("opa's answers by kind: {:?}", coverage.kinds);
    println!(
        "seed {}, from {}: {} different programs, {} compared ({} not answered by opa), {} defined in opa, {} differ, {seconds} s",
        arguments.seed,
        arguments.from,
        coverage.distinct(),
        campaign.compared,
        campaign.unanswered,
        coverage.defined,
        campaign.differences,
    );
}
