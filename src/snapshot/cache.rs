//! Parts of object storage that are on this machine: as many as it is told to keep, those that were used last.
//!
//! Parts are named by their content and never change, so one that is here is right. Whoever reads parts names them in a file whose lock it
//! holds; they stay until it ends, however it ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Mutex,
    time::SystemTime,
};

use nix::sys::{
    stat::{UtimensatFlags, utimensat},
    time::TimeSpec,
};
use uuid::Uuid;

use super::{
    Part, RESTRICTED, SnapshotError,
    bucket::Bucket,
    catalog::DRAFT_FOLDER,
    folder::{files_below, locked, remove_file, remove_folder},
};
use crate::files::open_unlinked;

/// Folder of the readers' files.
const HELD_FOLDER: &str = "held";

/// Folder of parts that are on their way here.
const FETCHING_FOLDER: &str = "fetching";

/// Parts of a lake that are here.
#[derive(Debug)]
pub(super) struct Cache {
    root: PathBuf,
    lake: Bucket,
    limit_mb: u64,
}

/// The parts that one reader needs, until this value is dropped.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    file: File,
    parts: Mutex<BTreeSet<String>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        // One that stays has no lock, and is taken away by the next who makes room.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file of a part.
#[derive(Debug)]
pub(super) struct PartFile {
    pub path: PathBuf,
    bytes: u64,
    used_at: SystemTime,
}

impl Cache {
    pub fn new(root: PathBuf, lake: Bucket, limit_mb: u64) -> Cache {
        Cache { root, lake, limit_mb }
    }

    /// Returns the folder below which parts are, under the names that the lake gives them.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a reader that needs nothing yet.
    pub fn reader(&self) -> Result<Held, SnapshotError> {
        let folder = self.root.join(HELD_FOLDER);
        let _turn = locked(&folder, "turn", None)?;
        let path = folder.join(Uuid::new_v4().simple().to_string());
        let file = File::create_new(&path).map_err(SnapshotError::file("created", &path))?;
        file.lock_shared().map_err(SnapshotError::file("locked", &path))?;
        Ok(Held { path, file, parts: Mutex::default() })
    }

    /// Brings parts here that are not, and keeps all of them for `reader`. Each comes with its name in the lake.
    ///
    /// # Errors
    /// When a part is not there or not what was published, and when there is no room for all.
    pub fn hold(&self, reader: &Held, parts: &[(String, &Part)]) -> Result<Vec<PathBuf>, SnapshotError> {
        let paths: Vec<PathBuf> = parts.iter().map(|(name, _)| self.root.join(name)).collect();
        let _turn = locked(&self.root.join(HELD_FOLDER), "turn", None)?;
        reader.add(parts.iter().map(|(name, _)| name))?;
        let missing: Vec<&(String, &Part)> = parts.iter().zip(&paths).filter(|(_, path)| !path.exists()).map(|(part, _)| part).collect();
        self.make_room(missing.iter().map(|(_, part)| part.bytes).sum())?;
        self.fetch(&missing)?;
        for path in &paths {
            let (now, follow) = (TimeSpec::UTIME_NOW, UtimensatFlags::FollowSymlink);
            utimensat(nix::fcntl::AT_FDCWD, path, &now, &now, follow).map_err(|error| SnapshotError::file("marked", path)(error.into()))?;
        }
        Ok(paths)
    }

    fn fetch(&self, missing: &[&(String, &Part)]) -> Result<(), SnapshotError> {
        if missing.is_empty() {
            return Ok(());
        }
        // Only one process is here at a time: what is in this folder was left by one that broke off.
        let fetching = self.root.join(FETCHING_FOLDER);
        remove_folder(&fetching)?;
        fs::create_dir_all(&fetching).map_err(SnapshotError::file("created", &fetching))?;
        let files: Vec<(String, PathBuf)> =
            missing.iter().enumerate().map(|(place, (name, _))| (name.clone(), fetching.join(place.to_string()))).collect();
        let bytes: u64 = missing.iter().map(|(_, part)| part.bytes).sum();
        tracing::info!(storage = self.lake.address(), parts = missing.len(), bytes, "fetching parts");
        let hashes = self.lake.fetch(&files)?;
        for (((name, part), hash), (_, path)) in missing.iter().zip(hashes).zip(&files) {
            let address = || format!("{}/{name}", self.lake.address());
            let Some(hash) = hash else { return Err(SnapshotError::PartGone(address())) };
            if hash != part.sha256 {
                return Err(SnapshotError::PartDamaged(address()));
            }
            if RESTRICTED.iter().any(|table| name.split('/').any(|folder| folder == *table)) {
                fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(SnapshotError::file("restricted", path))?;
            }
            let finished = self.root.join(name);
            let folder = finished.parent().unwrap_or(&self.root);
            fs::create_dir_all(folder).map_err(SnapshotError::file("created", folder))?;
            fs::rename(path, &finished).map_err(SnapshotError::file("renamed", &finished))?;
        }
        Ok(())
    }

    /// Takes over files that were published from `folder`, where they have the names that `within` the lake are theirs.
    pub fn adopt(&self, folder: &Path, within: &str) -> Result<(), SnapshotError> {
        let _turn = locked(&self.root.join(HELD_FOLDER), "turn", None)?;
        for (name, file) in parts_below(folder)? {
            let target = self.root.join(format!("{within}{name}"));
            let folder = target.parent().unwrap_or(&self.root);
            fs::create_dir_all(folder).map_err(SnapshotError::file("created", folder))?;
            fs::rename(&file.path, &target).map_err(SnapshotError::file("renamed", &target))?;
        }
        // What is published is safe: if there is no room, it goes again.
        match self.make_room(0) {
            Err(SnapshotError::NoRoom { .. }) => Ok(()),
            done => done,
        }
    }

    /// Removes all parts but those that have one of these names, or are being read.
    pub fn keep_only(&self, names: &BTreeSet<String>) -> Result<(), SnapshotError> {
        let _turn = locked(&self.root.join(HELD_FOLDER), "turn", None)?;
        let held = self.held()?;
        let parts = parts_below(&self.root)?;
        let gone = parts.iter().filter(|(name, _)| !names.contains(*name) && !held.contains(*name));
        gone.map(|(_, file)| &file.path).try_for_each(|path| remove_file(path))
    }

    /// Removes parts that nobody reads, those unused for longest first, until so many bytes more fit.
    fn make_room(&self, bytes: u64) -> Result<(), SnapshotError> {
        let limit = self.limit_mb.saturating_mul(1_000_000);
        let parts = parts_below(&self.root)?;
        let mut total = bytes + parts.values().map(|file| file.bytes).sum::<u64>();
        if total <= limit {
            return Ok(());
        }
        let held = self.held()?;
        let mut unused: Vec<&PartFile> = parts.iter().filter(|(name, _)| !held.contains(*name)).map(|(_, file)| file).collect();
        unused.sort_by_key(|file| file.used_at);
        for file in unused {
            if total <= limit {
                break;
            }
            remove_file(&file.path)?;
            total -= file.bytes;
        }
        if total > limit {
            return Err(SnapshotError::NoRoom { needed_mb: total.div_ceil(1_000_000), limit_mb: self.limit_mb });
        }
        Ok(())
    }

    /// Returns the parts that readers need.
    fn held(&self) -> Result<BTreeSet<String>, SnapshotError> {
        let folder = self.root.join(HELD_FOLDER);
        let mut held = BTreeSet::new();
        for entry in fs::read_dir(&folder).map_err(SnapshotError::file("listed", &folder))? {
            let path = entry.map_err(SnapshotError::file("listed", &folder))?.path();
            // Anything else is not a reader's: the file of the lock, or somebody else's.
            if path.file_name().is_none_or(|name| Uuid::try_parse(&name.to_string_lossy()).is_err()) {
                continue;
            }
            // A reader that ended meanwhile has taken its file away.
            let Ok(mut file) = open_unlinked(&path) else { continue };
            if file.try_lock().is_ok() {
                remove_file(&path)?;
                continue;
            }
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(SnapshotError::file("read", &path))?;
            held.extend(text.lines().map(str::to_owned));
        }
        Ok(held)
    }
}

impl Held {
    fn add<'a>(&self, names: impl Iterator<Item = &'a String>) -> Result<(), SnapshotError> {
        let mut known = self.parts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let new: Vec<String> = names.filter(|name| !known.contains(*name)).map(|name| format!("{name}\n")).collect();
        (&self.file).write_all(new.concat().as_bytes()).map_err(SnapshotError::file("written", &self.path))?;
        known.extend(new.into_iter().map(|line| line.trim_end().to_owned()));
        Ok(())
    }
}

/// Returns the parts below a folder, by their names there.
pub(super) fn parts_below(root: &Path) -> Result<BTreeMap<String, PartFile>, SnapshotError> {
    let mut found = BTreeMap::new();
    let files = files_below(root, |folder| !folder.ends_with(DRAFT_FOLDER))?;
    for path in files.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "parquet")) {
        let metadata = fs::metadata(&path).map_err(SnapshotError::file("read", &path))?;
        let used_at = metadata.modified().map_err(SnapshotError::file("read", &path))?;
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        found.insert(name, PartFile { path, bytes: metadata.len(), used_at });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::digest::sha256;

    /// A lake with parts of so many bytes, called `t/0.parquet` and so on.
    fn lake(sizes: &[usize]) -> (Bucket, Vec<Part>) {
        let bucket = Bucket::in_memory();
        let parts = sizes.iter().enumerate().map(|(number, size)| {
            let bytes = vec![u8::try_from(number).unwrap(); *size];
            let path = format!("t/{number}.parquet");
            bucket.create(&path, &bytes).unwrap();
            let (bytes, sha256) = (*size as u64, sha256(&bytes));
            Part { path, month: None, rows: 1, bytes, sha256, days: None, fingerprint: String::new(), made_of: Vec::new() }
        });
        (bucket.clone(), parts.collect())
    }

    fn there(cache: &Cache) -> Vec<String> {
        parts_below(cache.root()).unwrap().into_keys().collect()
    }

    #[test]
    fn what_was_unused_for_longest_makes_room_and_what_is_read_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (bucket, parts) = lake(&[400_000, 400_000, 400_000, 900_000]);
        let cache = Cache::new(folder.path().to_owned(), bucket, 1);
        let named = |numbers: &[usize]| -> Vec<(String, &Part)> {
            numbers.iter().map(|number| (parts[*number].path.clone(), &parts[*number])).collect()
        };
        let hold = |reader: &Held, numbers: &[usize]| cache.hold(reader, &named(numbers));
        let first = cache.reader().unwrap();
        assert_eq!(hold(&first, &[0]).unwrap(), [folder.path().join("t/0.parquet")]);
        let second = cache.reader().unwrap();
        hold(&second, &[1]).unwrap();
        // Both are being read: a third does not fit.
        let third = cache.reader().unwrap();
        let refused = hold(&third, &[2]).unwrap_err().to_string();
        assert!(refused.contains("are 2 MB, and only 1 MB"), "{refused}");
        drop(second);
        hold(&third, &[2]).unwrap();
        assert_eq!(there(&cache), ["t/0.parquet", "t/2.parquet"]);
        // The first is used again later than the third is, and stays.
        drop(third);
        let again = cache.reader().unwrap();
        hold(&again, &[0]).unwrap();
        drop((first, again));
        let other = cache.reader().unwrap();
        hold(&other, &[1]).unwrap();
        assert_eq!(there(&cache), ["t/0.parquet", "t/1.parquet"]);
        // All of it, and more than may be kept.
        hold(&other, &[3]).unwrap_err();
        drop(other);
        hold(&cache.reader().unwrap(), &[3]).unwrap();
        assert_eq!(there(&cache), ["t/3.parquet"]);
        cache.keep_only(&BTreeSet::new()).unwrap();
        assert_eq!(there(&cache), Vec::<String>::new());
    }

    #[test]
    fn a_part_that_is_not_what_was_published_does_not_come() {
        let folder = tempfile::tempdir().unwrap();
        let (bucket, mut parts) = lake(&[10, 10]);
        let cache = Cache::new(folder.path().to_owned(), bucket, 1);
        parts[0].sha256 = sha256(b"something else");
        let named: Vec<(String, &Part)> = parts.iter().map(|part| (part.path.clone(), part)).collect();
        let reader = cache.reader().unwrap();
        assert!(matches!(cache.hold(&reader, &named), Err(SnapshotError::PartDamaged(_))));
        assert_eq!(there(&cache), Vec::<String>::new());
        let gone = ("t/9.parquet".to_owned(), &parts[1]);
        assert!(matches!(cache.hold(&reader, &[gone]), Err(SnapshotError::PartGone(_))));
        cache.hold(&reader, &named[1..]).unwrap();
        assert_eq!(there(&cache), ["t/1.parquet"]);
    }
}
