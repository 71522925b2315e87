//! S2 over real processes: two of them, on books that they share, let in exactly as many as fit.

#![expect(clippy::print_stdout, reason = "a process answers the one that leads")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use metergate::conformance::words::{MB, noon, wants};
use metergate::quota::held::{HoldId, Life};
use metergate::store::{self, Admission, Store};
use tokio::task::JoinSet;

/// Says to a process of this program that it is one of the two, and where the books are.
const BOOKS: &str = "METERGATE_TEST_BOOKS";
const ROUNDS: usize = 100;
/// Reservations of each process in a round, all at once, of 1 MB.
const AT_ONCE: usize = 32;
/// For how many of both there is room.
const ROOM: usize = 10;

/// The windows of a round, of which another one is tight each time.
fn windows(round: usize) -> [String; 3] {
    let limits: [usize; 3] =
        std::array::from_fn(|index| if index == round % 3 { ROOM } else { 5 * ROOM });
    let [day, month, pool] = limits;
    [format!("{day}MB/day"), format!("{month}MB/month"), format!("{pool}MB/month per server")]
}

/// Returns true if this process is one of the two; it has then done its part.
pub(crate) fn was_one_of_two() -> bool {
    let Ok(books) = std::env::var(BOOKS) else {
        return false;
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = store::open(&books.parse().unwrap()).unwrap();
        store.policy().await.unwrap();
        for round in 0..ROUNDS {
            hear();
            let granted = reserve(&store, round).await;
            println!("{}", granted.len());
            hear();
            for id in granted {
                store.release(id, noon()).await.unwrap().unwrap();
            }
            println!("done");
        }
    });
    true
}

/// Waits for a word of the process that leads.
fn hear() {
    let mut line = String::new();
    assert_ne!(std::io::stdin().read_line(&mut line).unwrap(), 0, "nobody leads any more");
}

async fn reserve(store: &Arc<dyn Store>, round: usize) -> Vec<HoldId> {
    let windows = windows(round);
    let plan = wants(MB, &windows.each_ref().map(String::as_str));
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (store, plan, id) = (store.clone(), plan.clone(), HoldId::fresh());
        tasks.spawn(async move {
            let life = Life::Until("2030-01-01".parse().unwrap());
            let admission = store.reserve(&plan, id, life, noon()).await.unwrap();
            matches!(admission, Admission::Granted(_)).then_some(id)
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

/// One of the two, as seen from here.
struct Process {
    child: Child,
    ear: ChildStdin,
    mouth: BufReader<ChildStdout>,
}

impl Process {
    fn start(books: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(BOOKS, books)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (ear, mouth) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, ear, mouth: BufReader::new(mouth) }
    }

    fn go(&mut self) {
        self.ear.write_all(b"go\n").unwrap();
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.mouth.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

/// Lets two processes ask for more than there is, on the books at `books`, which nobody else uses.
pub(crate) fn two_let_in_exactly_as_many_as_fit(books: &str) -> Result<(), String> {
    let mut both = [Process::start(books), Process::start(books)];
    for round in 0..ROUNDS {
        both.iter_mut().for_each(Process::go);
        let granted = both.each_mut().map(|process| process.answer().parse::<usize>());
        let [Ok(one), Ok(other)] = granted else {
            return Err(format!("a process ended in round {round}: {granted:?}"));
        };
        if one + other != ROOM {
            return Err(format!("{one} and {other} in round {round}, where {ROOM} fit"));
        }
        both.iter_mut().for_each(Process::go);
        for process in &mut both {
            process.answer();
        }
    }
    let ended = both.map(|mut process| process.child.wait().unwrap().success());
    if ended == [true; 2] { Ok(()) } else { Err("a process failed".to_owned()) }
}
