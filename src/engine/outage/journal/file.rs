//! The file of a journal, and the thread that writes it: all that waits is on disk by one sync.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::reading::lines;
use super::{Entry, JournalError};
use crate::clock::Timestamp;

/// Entries that may wait to be written.
const WAITING: usize = 16_384;
/// Entries on disk by one sync.
const BATCH: usize = 1024;

/// A journal that this process has to itself. Dropped, it is let go once all that waits is
/// written.
#[derive(Debug)]
pub(in crate::engine::outage) struct Journal {
    path: PathBuf,
    file: Arc<File>,
    figures: Arc<Mutex<Figures>>,
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    /// Up to where it is on disk.
    length: u64,
    /// Up to where it is in the books.
    done: u64,
    /// How many entries are not.
    waiting: usize,
    /// When the oldest of them was written down.
    oldest: Option<Timestamp>,
}

#[derive(Debug)]
enum Order {
    Append(Entry, oneshot::Sender<Result<(), JournalError>>),
    /// Nothing is left up to here: start anew, unless there is more by now.
    Clear(u64, oneshot::Sender<()>),
}

/// Entries to be brought into the books.
#[derive(Debug)]
pub(in crate::engine::outage) struct Batch {
    pub(in crate::engine::outage) entries: Vec<Entry>,
    /// Where the next one begins.
    end: u64,
}

impl Journal {
    /// Opens the journal at `path`, making it if it is not there. Blocks while it does.
    ///
    /// What was torn off at its end is cut away. If anything else is damaged, a copy of all of it
    /// is kept beside it, and what can be read counts.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let wrong = |source| JournalError::Io { path: path.to_owned(), source };
        let made = !path.exists();
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Locked(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(wrong(error)),
        }
        if made {
            sync_folder(path).map_err(wrong)?;
        }
        let figures = look_through(&file, path).map_err(wrong)?;
        let (file, figures) = (Arc::new(file), Arc::new(Mutex::new(figures)));
        let (orders, waiting) = sync_channel(WAITING);
        let pen = Pen { path: path.to_owned(), file: file.clone(), figures: figures.clone() };
        let thread = std::thread::Builder::new().name("metergate-journal".to_owned());
        let thread = thread.spawn(move || pen.write(&waiting)).map_err(wrong)?;
        let (orders, thread) = (Some(orders), Some(thread));
        Ok(Self { path: path.to_owned(), file, figures, orders, thread })
    }

    /// Writes `entry` down; on disk when it returns. Dropped half way, it may be written.
    pub(super) async fn append(&self, entry: Entry) -> Result<(), JournalError> {
        let (told, heard) = oneshot::channel();
        self.order(Order::Append(entry, told))?;
        heard.await.map_err(|_| self.ended())?
    }

    /// Returns how many entries wait, and since when the oldest does.
    pub(in crate::engine::outage) fn waiting(&self) -> (usize, Option<Timestamp>) {
        let Figures { waiting, oldest, .. } = *lock(&self.figures);
        (waiting, oldest.filter(|_| waiting > 0))
    }

    /// Returns the next entries, oldest first, about `most` of them. Reads the disk.
    pub(in crate::engine::outage) fn next(&self, most: usize) -> Result<Batch, JournalError> {
        let Figures { length, done, .. } = *lock(&self.figures);
        let wrong = |source| JournalError::Io { path: self.path.clone(), source };
        let read = lines(&self.file, done, length, most).map_err(wrong)?;
        let end = read.last().map_or(length, |last| last.end);
        let entries: Vec<_> = read.into_iter().filter_map(|line| line.entry).collect();
        if let Some(first) = entries.first() {
            lock(&self.figures).oldest = Some(first.noted());
        }
        Ok(Batch { entries, end })
    }

    /// Remembers that `batch`, the next one, is in the books; once all is, the file is empty.
    /// Dropped half way, it may be brought in again.
    pub(in crate::engine::outage) async fn done(&self, batch: &Batch) -> Result<(), JournalError> {
        {
            let mut figures = lock(&self.figures);
            figures.done = batch.end;
            figures.waiting = figures.waiting.saturating_sub(batch.entries.len());
        }
        let (told, heard) = oneshot::channel();
        self.order(Order::Clear(batch.end, told))?;
        heard.await.map_err(|_| self.ended())
    }

    fn order(&self, order: Order) -> Result<(), JournalError> {
        let orders = self.orders.as_ref().ok_or_else(|| self.ended())?;
        orders.try_send(order).map_err(|error| match error {
            TrySendError::Full(_) => JournalError::Full,
            TrySendError::Disconnected(_) => self.ended(),
        })
    }

    fn ended(&self) -> JournalError {
        let source = io::Error::other("its thread has ended");
        JournalError::Io { path: self.path.clone(), source }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // It ends by itself once nobody can order anything.
            drop(thread.join());
        }
    }
}

/// What the thread owns.
struct Pen {
    path: PathBuf,
    file: Arc<File>,
    figures: Arc<Mutex<Figures>>,
}

impl Pen {
    fn write(self, orders: &Receiver<Order>) {
        while let Ok(first) = orders.recv() {
            let (mut entries, mut tellers) = (Vec::new(), Vec::new());
            for order in std::iter::once(first).chain(orders.try_iter().take(BATCH)) {
                match order {
                    Order::Append(entry, teller) => {
                        entries.push(entry);
                        tellers.push(teller);
                    }
                    Order::Clear(end, teller) => {
                        // What was ordered before it is on disk first.
                        self.append(&std::mem::take(&mut entries), std::mem::take(&mut tellers));
                        self.clear(end);
                        // Whoever has left does not want to know.
                        let _ = teller.send(());
                    }
                }
            }
            self.append(&entries, tellers);
        }
    }

    fn append(&self, entries: &[Entry], tellers: Vec<oneshot::Sender<Result<(), JournalError>>>) {
        if entries.is_empty() {
            return;
        }
        let lines: String = entries.iter().map(Entry::line).collect();
        let length = lock(&self.figures).length;
        let written = self.put(lines.as_bytes(), length);
        if written.is_ok() {
            let mut figures = lock(&self.figures);
            if figures.waiting == 0 {
                figures.oldest = entries.first().map(Entry::noted);
            }
            let more = u64::try_from(lines.len()).unwrap_or(u64::MAX);
            figures.length = length.saturating_add(more);
            figures.waiting = figures.waiting.saturating_add(entries.len());
        }
        for teller in tellers {
            let again = |error: &io::Error| {
                let source = io::Error::new(error.kind(), error.to_string());
                JournalError::Io { path: self.path.clone(), source }
            };
            // Whoever has left does not want to know.
            drop(teller.send(written.as_ref().copied().map_err(again)));
        }
    }

    /// Puts `bytes` behind the first `length` of the file; if that fails, nothing is behind them.
    fn put(&self, bytes: &[u8], length: u64) -> io::Result<()> {
        // What a write left that failed, and could not be cut away then.
        if self.file.metadata()?.len() != length {
            self.file.set_len(length)?;
        }
        let written = self.file.write_all_at(bytes, length).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // If it cannot be cut away now, it is before the next entry.
            drop(self.file.set_len(length).and_then(|()| self.file.sync_data()));
        }
        written
    }

    /// Empties the file if there is nothing behind `end`. If that fails, its entries are brought
    /// in again by the next start, which changes nothing.
    fn clear(&self, end: u64) {
        let mut figures = lock(&self.figures);
        if figures.length != end || end == 0 {
            return;
        }
        match self.file.set_len(0).and_then(|()| self.file.sync_data()) {
            Ok(()) => *figures = Figures::default(),
            Err(error) => tracing::warn!(%error, "the journal could not be emptied"),
        }
    }
}

/// Counts what there is, and sees to what is damaged.
fn look_through(file: &File, path: &Path) -> io::Result<Figures> {
    let end = file.metadata()?.len();
    let (mut figures, mut damaged) = (Figures::default(), 0_usize);
    loop {
        let read = lines(file, figures.length, end, usize::MAX)?;
        let Some(last) = read.last() else { break };
        figures.length = last.end;
        for entry in read.into_iter().map(|line| line.entry) {
            match entry {
                Some(entry) => {
                    figures.waiting = figures.waiting.saturating_add(1);
                    figures.oldest.get_or_insert(entry.noted());
                }
                None => damaged = damaged.saturating_add(1),
            }
        }
    }
    if damaged > 0 {
        let copy = aside(path)?;
        tracing::error!(
            lines = damaged,
            copy = %copy.display(),
            "the journal is damaged: what can be read of it is charged, a copy is kept"
        );
    }
    if figures.length < end {
        tracing::warn!(
            bytes = end.saturating_sub(figures.length),
            "what a crash left of an unfinished entry was cut off the journal"
        );
        file.set_len(figures.length)?;
        file.sync_data()?;
    }
    Ok(figures)
}

/// Copies the file at `path` to a name beside it that is free.
fn aside(path: &Path) -> io::Result<PathBuf> {
    for number in 1_u32.. {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        let copy = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).open(&copy) {
            Ok(mut file) => {
                io::copy(&mut File::open(path)?, &mut file)?;
                file.sync_data()?;
                return Ok(copy);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("no name is free"))
}

/// Makes the name of a new file survive a loss of power.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn lock(figures: &Mutex<Figures>) -> MutexGuard<'_, Figures> {
    figures.lock().unwrap_or_else(PoisonError::into_inner)
}
