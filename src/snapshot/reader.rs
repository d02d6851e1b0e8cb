//! Finds and opens published snapshots.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::NaiveDate;

use super::{
    Catalog, Manifest, Part, SnapshotError,
    cache::Held,
    catalog::Remote,
    lease::{self, Lease},
};
use crate::domain::{Zone, digest};

/// A published snapshot, ready to be read.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The snapshot folder.
    pub folder: PathBuf,
    /// What the snapshot consists of.
    pub manifest: Manifest,
    /// How its parts come here, where they are on object storage.
    reading: Option<Arc<Reading>>,
    /// Whether each part's hash is compared before it is read.
    is_comparing: bool,
    /// Keeps it from being removed; nothing where nobody can.
    _lease: Option<Arc<Lease>>,
}

/// Parts of object storage that are being read.
#[derive(Debug)]
struct Reading {
    remote: Remote,
    held: Held,
}

impl Snapshot {
    /// Opens a snapshot: the one whose id is or begins with `asked`, or the newest.
    ///
    /// # Errors
    /// When there is none, none of that name, or several.
    pub fn open(catalog: &Catalog, asked: Option<&str>) -> Result<Snapshot, SnapshotError> {
        Snapshot::open_one(catalog, |ids| choose(catalog, ids, asked))
    }

    /// Opens the snapshot that was the newest at the end of the local day `day`.
    ///
    /// # Errors
    /// When nothing had been published by then.
    pub fn open_as_known_on(catalog: &Catalog, day: NaiveDate, zone: Zone) -> Result<Snapshot, SnapshotError> {
        let end = zone.day_start(day.succ_opt().unwrap_or(day));
        Snapshot::open_one(catalog, |ids| {
            let mut known = None;
            for id in ids {
                if catalog.read(id)?.published_at < end {
                    known = Some(id.clone());
                }
            }
            known.ok_or_else(|| match ids.first() {
                None => SnapshotError::None(catalog.address()),
                Some(first) => SnapshotError::NotYet { day, first: first.clone() },
            })
        })
    }

    fn open_one(catalog: &Catalog, choose: impl Fn(&[String]) -> Result<String, SnapshotError>) -> Result<Snapshot, SnapshotError> {
        // One that is removed while it is chosen is not there the second time.
        for _ in 0..3 {
            let id = choose(&catalog.ids()?)?;
            let lease = lease::take(catalog, &id)?;
            if catalog.is_there(&id)? {
                let reading = |remote: &Remote| -> Result<Arc<Reading>, SnapshotError> {
                    Ok(Arc::new(Reading { remote: remote.clone(), held: remote.cache.reader()? }))
                };
                return Ok(Snapshot {
                    folder: catalog.folder.clone(),
                    manifest: catalog.read(&id)?,
                    reading: catalog.remote.as_ref().map(reading).transpose()?,
                    is_comparing: false,
                    _lease: lease.map(Arc::new),
                });
            }
            catalog.refresh()?;
        }
        Err(SnapshotError::None(catalog.address()))
    }

    /// Has [`Snapshot::files`] compare each part on this machine with its hash: once in a process, and again when the file has changed.
    #[must_use]
    pub fn comparing(self) -> Snapshot {
        Snapshot { is_comparing: true, ..self }
    }

    /// Returns the files of some of its parts, in their order. On object storage those that are not here yet are brought; they stay for as
    /// long as this snapshot is open.
    ///
    /// # Errors
    /// When a part is on object storage and cannot be brought; where parts are compared, when one is missing or was altered.
    pub fn files<'a>(&self, parts: impl IntoIterator<Item = &'a Part>) -> Result<Vec<PathBuf>, SnapshotError> {
        let parts: Vec<&Part> = parts.into_iter().collect();
        let files = match self.reading.as_deref() {
            None => parts.iter().map(|part| self.folder.join(&part.path)).collect(),
            Some(Reading { remote, held }) => {
                let named: Vec<(String, &Part)> = parts.iter().map(|part| (format!("{}{}", remote.within, part.path), *part)).collect();
                remote.cache.hold(held, &named)?
            }
        };
        if self.is_comparing {
            parts.iter().zip(&files).try_for_each(|(part, file)| require_whole(part, file))?;
        }
        Ok(files)
    }

    /// Returns the `s3://` address below which its parts are; none where they are in a folder.
    pub fn address(&self) -> Option<&str> {
        self.reading.as_deref().map(|reading| reading.remote.bucket.address())
    }

    /// Compares every part with its hash; returns the paths that are missing or differ. `known` are the hashes of parts by path, none for those
    /// that are missing: these are not read, and those that are read are added.
    ///
    /// # Errors
    /// When a part that exists cannot be read.
    pub fn damaged_parts(&self, known: &mut BTreeMap<String, Option<String>>) -> Result<Vec<String>, SnapshotError> {
        let mut damaged = Vec::new();
        for part in self.manifest.parts() {
            if !known.contains_key(&part.path) {
                let hash = match self.reading.as_deref() {
                    Some(reading) => reading.remote.bucket.sha256(&part.path)?,
                    None => sha256_of(&self.folder.join(&part.path))?,
                };
                known.insert(part.path.clone(), hash);
            }
            if known.get(&part.path).and_then(Option::as_ref) != Some(&part.sha256) {
                damaged.push(part.path.clone());
            }
        }
        Ok(damaged)
    }
}

/// What changes when a file does: device, number, size, and the times of its content and of its entry, in seconds and nanoseconds.
type Identity = [i128; 7];

fn identity(file: &fs::Metadata) -> Identity {
    let (content, entry) = ((file.mtime(), file.mtime_nsec()), (file.ctime(), file.ctime_nsec()));
    [file.dev().into(), file.ino().into(), file.size().into(), content.0.into(), content.1.into(), entry.0.into(), entry.1.into()]
}

/// Fails where a file is missing, or not the part that was published.
fn require_whole(part: &Part, path: &Path) -> Result<(), SnapshotError> {
    static WHOLE: Mutex<BTreeMap<PathBuf, (String, Identity)>> = Mutex::new(BTreeMap::new());
    let name = || path.display().to_string();
    let found = match fs::metadata(path) {
        Ok(found) => identity(&found),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(SnapshotError::PartGone(name())),
        Err(error) => return Err(SnapshotError::file("read", path)(error)),
    };
    let known = || WHOLE.lock().unwrap_or_else(PoisonError::into_inner);
    let is_known = known().get(path).is_some_and(|(sha256, identity)| *sha256 == part.sha256 && *identity == found);
    if is_known {
        return Ok(());
    }
    match sha256_of(path)? {
        None => Err(SnapshotError::PartGone(name())),
        Some(sha256) if sha256 != part.sha256 => Err(SnapshotError::PartDamaged(name())),
        Some(sha256) => {
            known().insert(path.to_owned(), (sha256, found));
            Ok(())
        }
    }
}

/// Returns the hash of a file; none where there is no such file.
fn sha256_of(path: &Path) -> Result<Option<String>, SnapshotError> {
    match File::open(path).and_then(|mut file| digest::sha256_of(&mut file)) {
        Ok((sha256, _)) => Ok(Some(sha256)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SnapshotError::file("read", path)(error)),
    }
}

fn choose(catalog: &Catalog, ids: &[String], asked: Option<&str>) -> Result<String, SnapshotError> {
    let newest = ids.last().ok_or_else(|| SnapshotError::None(catalog.address()))?;
    let id = match asked {
        None => newest,
        Some(asked) => {
            let found: Vec<&String> = ids.iter().filter(|id| id.starts_with(asked)).collect();
            match found.as_slice() {
                [] => return Err(SnapshotError::Unknown { asked: asked.to_owned(), newest: newest.clone() }),
                [id] => *id,
                several => {
                    let candidates: Vec<&str> = several.iter().map(|id| id.as_str()).collect();
                    return Err(SnapshotError::Ambiguous { asked: asked.to_owned(), candidates: candidates.join(", ") });
                }
            }
        }
    };
    Ok(id.clone())
}
