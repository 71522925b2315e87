//! Drive: takes the inputs in the corpus, changes them, and has a target judge each.

use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use fastrand::Rng;

use crate::mutate::mutated;

/// Inputs that are kept because something new came of them, at most.
const MOST_KEPT: usize = 4096;
/// How often a failing input is tried with less in it.
const MOST_CUTS: usize = 400;

/// One reader of input, and what is to hold of it.
pub(crate) struct Target {
    /// Also of its folder in the corpus.
    pub(crate) name: &'static str,
    /// What the project has of it beside the corpus.
    pub(crate) files: &'static [&'static str],
    /// How many inputs are tried unless told otherwise.
    pub(crate) cases: u64,
    /// What a mutated input may have in it.
    pub(crate) words: &'static [&'static str],
    pub(crate) judge: fn() -> Box<dyn Judge>,
}

/// Knows what must come of an input.
pub(crate) trait Judge {
    /// Has it read; returns what kind of thing came of it, as one number.
    ///
    /// # Errors
    /// What should not have come of it.
    fn judge(&mut self, input: &[u8]) -> Result<u64, String>;
}

/// Returns the number of a kind of outcome.
pub(crate) fn kind(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// How to go about it.
pub(crate) struct Drive {
    pub(crate) cases: u64,
    pub(crate) seed: u64,
    /// Only this input.
    pub(crate) replay: Option<PathBuf>,
}

impl Drive {
    /// Tries the corpus as it is, and then so many changed inputs.
    pub(crate) fn run(&self, target: &Target) -> Result<(), String> {
        let mut judge = (target.judge)();
        if let Some(file) = &self.replay {
            let input = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
            return judged(judge.as_mut(), &input).map(drop);
        }
        let mut kept = corpus(target);
        let mut kinds = HashSet::new();
        for input in &kept {
            kinds.insert(tried(target, judge.as_mut(), input)?);
        }
        let mut chance = Rng::with_seed(self.seed ^ kind(target.name));
        for _ in 0..self.cases {
            let input = mutated(&kept, target.words, &mut chance);
            let is_new = kinds.insert(tried(target, judge.as_mut(), &input)?);
            if is_new && kept.len() < MOST_KEPT {
                kept.push(input);
            }
        }
        Ok(())
    }
}

/// Returns what a target begins with.
fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = project.join("tests/fuzz/corpus").join(target.name);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    files.extend(target.files.iter().map(|file| project.join(file)));
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Has an input judged; one that fails is cut down and written to a file.
fn tried(target: &Target, judge: &mut dyn Judge, input: &[u8]) -> Result<u64, String> {
    let first = match judged(judge, input) {
        Ok(kind) => return Ok(kind),
        Err(wrong) => wrong,
    };
    // What it left behind may be why the next one fails: each goes to a judge of its own.
    let (least, wrong) = cut_down(target, input).unwrap_or((input.to_vec(), first));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("{}-{:016x}", target.name, kind(&least)));
    fs::write(&file, &least).unwrap();
    Err(format!(
        "{wrong}\n  input: {}\n  again: cargo test --test fuzz -- --replay {}",
        least.escape_ascii(),
        file.display()
    ))
}

/// Returns the smallest input found that fails as well, and how.
fn cut_down(target: &Target, input: &[u8]) -> Option<(Vec<u8>, String)> {
    let mut least = input.to_vec();
    let mut wrong = judged((target.judge)().as_mut(), &least).err()?;
    let (mut size, mut cuts) = (least.len() / 2, 0);
    while size > 0 && cuts < MOST_CUTS {
        let (mut at, before) = (0, least.len());
        while at < least.len() && cuts < MOST_CUTS {
            let mut less = least.clone();
            less.drain(at..(at + size).min(less.len()));
            cuts += 1;
            match judged((target.judge)().as_mut(), &less) {
                Err(error) => (least, wrong) = (less, error),
                Ok(_) => at += size,
            }
        }
        if least.len() == before {
            size /= 2;
        }
    }
    Some((least, wrong))
}

/// Every panic since the last look, of any thread.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Has every panic counted, in whatever task of the server it is caught.
pub(crate) fn count_panics() {
    std::panic::set_hook(Box::new(|panic| PANICS.lock().unwrap().push(panic.to_string())));
}

fn judged(judge: &mut dyn Judge, input: &[u8]) -> Result<u64, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| judge.judge(input)));
    let panics = std::mem::take(&mut *PANICS.lock().unwrap());
    match (outcome, panics.is_empty()) {
        (Ok(outcome), true) => outcome,
        _ => Err(panics.join("\n")),
    }
}
