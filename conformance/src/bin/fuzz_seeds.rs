//! `fuzz_seeds FOLDER`: writes the good bytes that fuzzing begins with, a folder for each target of `conformance/fuzz`.

use govc_conformance::fuzz::targets::ALL;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "conformance/fuzz/corpus".to_owned());
    for target in ALL {
        let of_target = Path::new(&folder).join(target.name);
        std::fs::create_dir_all(&of_target)?;
        let seeds = (target.seeds)();
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(of_target.join(format!("seed-{number}")), seed)?;
        }
        println!("{}: {} seeds", target.name, seeds.len());
    }
    Ok(())
}
