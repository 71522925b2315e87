//! Folder: scratch books in files, in a folder that is gone after.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::scratch::{Books, Scratch};
use crate::store::sqlite::Sqlite;
use crate::store::{Store, StoreError};

/// Where books are kept beside others: on the same file system, so that it is tried as well.
pub(super) struct Beside(PathBuf);

impl Beside {
    /// Returns the place beside `file`.
    pub(super) fn file(file: &Path) -> Self {
        let folder = file.parent().filter(|folder| *folder != Path::new(""));
        Self(folder.unwrap_or(Path::new(".")).to_owned())
    }
}

#[async_trait]
impl Scratch for Beside {
    async fn books(&self) -> Result<Arc<dyn Books>, StoreError> {
        let name = format!(".metergate-conformance-{}", uuid::Uuid::now_v7().simple());
        let folder = self.0.join(name);
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.create(&folder);
        made.map_err(|error| unavailable("scratch books cannot be made", &folder, &error))?;
        Ok(Arc::new(Folder(folder)))
    }

    fn is_lasting(&self) -> bool {
        true
    }

    fn knows_the_living(&self) -> bool {
        true
    }
}

/// A folder with the books of one clause; dropped, it is gone.
struct Folder(PathBuf);

#[async_trait]
impl Books for Folder {
    fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(Sqlite::open(&self.0.join("metergate.db"))?))
    }

    async fn erase(&self) -> Result<(), StoreError> {
        fs::remove_dir_all(&self.0)
            .map_err(|error| unavailable("scratch books cannot be removed", &self.0, &error))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing is left of it if it was erased.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn unavailable(what: &'static str, folder: &Path, error: &io::Error) -> StoreError {
    StoreError::unavailable(what, format!("{}: {error}", folder.display()))
}
