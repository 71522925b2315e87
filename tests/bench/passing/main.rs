//! Passing: what a byte and a request cost on their way through, beside nginx.
//!
//! ```text
//! cargo bench --bench passing                      all scenarios, 7 rounds each, three minutes
//! cargo bench --bench passing -- up16k_32 --rounds 3
//! cargo bench --bench passing -- --calls           system calls per unit instead: needs strace
//! cargo bench --bench passing -- --beside FILE     another metergate, run in turn with this one
//! ```
//!
//! Load, origin and proxies share the machine, so what counts is the CPU time of the proxy's
//! processes per unit of work, as a ratio to nginx (stock buffers, `proxy_request_buffering off`)
//! in the same round; requests per second only put the candidates in order. CPU time spreads by
//! a tenth or more from round to round; system calls do not. Under `bbr` loopback is slow and uneven:
//!
//! ```text
//! unshare -rn sh -c 'ip link set lo up; sysctl -w net.ipv4.tcp_congestion_control=reno; cargo bench --bench passing'
//! ```

#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on stops")]
#![expect(clippy::print_stdout, reason = "its table is what it is for")]

mod load;
mod origin;
mod peers;
mod scenario;

use std::time::Duration;

use self::load::Load;
use self::peers::{Peer, Peers};
use self::scenario::{SCENARIOS, Scenario};

/// How long each measurement lasts.
const ROUND: Duration = Duration::from_secs(1);
/// How long each proxy is warmed up before the first one.
const WARM_UP: Duration = Duration::from_millis(300);
/// Uploads held half way to see what each of them keeps in memory.
const HELD: usize = 500;

/// What is asked for.
struct Wanted {
    names: Vec<String>,
    rounds: usize,
    calls: bool,
    beside: Option<String>,
}

impl Wanted {
    fn read() -> Self {
        let mut wanted = Self { names: Vec::new(), rounds: 7, calls: false, beside: None };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--rounds" => wanted.rounds = words.next().unwrap().parse().unwrap(),
                "--beside" => wanted.beside = words.next(),
                "--calls" => wanted.calls = true,
                // Said by cargo.
                "--bench" => {}
                name => wanted.names.push(name.to_owned()),
            }
        }
        wanted
    }

    fn has(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|wanted| wanted == name)
    }
}

fn main() {
    let wanted = Wanted::read();
    let origin = origin::start();
    let peers = Peers::start(origin, wanted.beside.as_deref());
    let load = Load::new();
    for scenario in SCENARIOS.iter().filter(|scenario| wanted.has(scenario.name)) {
        if wanted.calls {
            println!("\n{} (calls per {})", scenario.name, scenario.unit.one());
            count_calls(scenario, &peers, &load);
        } else {
            println!("\n{} (per {})", scenario.name, scenario.unit.name());
            measure(scenario, &peers, &load, wanted.rounds);
        }
    }
    if wanted.has("held") && !wanted.calls {
        println!("\nheld ({HELD} uploads of 1 MiB, half way)");
        peers.all().for_each(|peer| hold(peer, &load));
    }
}

/// One round of one proxy.
#[derive(Clone, Copy)]
struct Round {
    /// CPU seconds per unit.
    cost: f64,
    /// Requests or MiB per second.
    pace: f64,
}

/// Runs all proxies in turn, round by round, and prints what each of them costs.
fn measure(scenario: &Scenario, peers: &Peers, load: &Load, rounds: usize) {
    let peers: Vec<_> = peers.all().filter(|peer| scenario.suits(peer)).collect();
    for peer in &peers {
        load.run(scenario, peer.address, WARM_UP);
    }
    let mut table = vec![Vec::new(); peers.len()];
    for _ in 0..rounds {
        for (peer, row) in peers.iter().zip(&mut table) {
            row.push(round(scenario, peer, load));
        }
    }
    println!(
        "{:24}{:>10}{:>8}{:>16}{:>12}{:>10}",
        "",
        "CPU s",
        "ratio",
        "(spread)",
        scenario.unit.pace(),
        "RSS MiB"
    );
    for (peer, row) in peers.iter().zip(&table) {
        let ratios = sorted(row.iter().zip(&table[0]).map(|(one, nginx)| one.cost / nginx.cost));
        let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
        println!(
            "{:24}{:>10.3}{:>8.2}{:>16}{:>12.0}{:>10.1}",
            peer.name,
            median(row.iter().map(|round| round.cost)),
            median(ratios),
            format!("{least:.2}-{most:.2}"),
            median(row.iter().map(|round| round.pace)),
            peer.resident() / 1024.0,
        );
    }
}

fn round(scenario: &Scenario, peer: &Peer, load: &Load) -> Round {
    let before = peer.cpu_seconds();
    let (requests, span) = load.run(scenario, peer.address, ROUND);
    let cpu = peer.cpu_seconds() - before;
    let pace = scenario.unit.paced(scenario, requests) / span.as_secs_f64();
    Round { cost: cpu / scenario.unit.units(scenario, requests), pace }
}

/// Prints how many system calls each proxy makes, and which.
fn count_calls(scenario: &Scenario, peers: &Peers, load: &Load) {
    for peer in peers.all().filter(|peer| scenario.suits(peer)) {
        load.run(scenario, peer.address, WARM_UP);
        let mut requests = 0;
        let calls = peer.count_calls(|| (requests, _) = load.run(scenario, peer.address, ROUND));
        let per = |count: u32| f64::from(count) / scenario.unit.paced(scenario, requests);
        let total = calls.iter().map(|(_, count)| count).sum();
        let most = calls.iter().take(8).map(|(name, count)| format!("{name} {:.2}", per(*count)));
        println!("{:24}{:>8.2}  {}", peer.name, per(total), most.collect::<Vec<_>>().join(", "));
    }
}

/// Prints what uploads under way keep in memory, and what is left of that after.
fn hold(peer: &Peer, load: &Load) {
    let before = peer.resident();
    let held = load.hold(peer.address, HELD);
    let during = peer.resident();
    load.let_go(held);
    std::thread::sleep(Duration::from_secs(2));
    println!(
        "{:24}{:>8.1} KiB each, {:>8.1} MiB after",
        peer.name,
        (during - before) / f64::from(u32::try_from(HELD).unwrap()),
        peer.resident() / 1024.0,
    );
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let numbers = sorted(numbers.into_iter());
    numbers[numbers.len() / 2]
}
