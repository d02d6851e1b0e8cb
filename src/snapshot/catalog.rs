//! Where the snapshots of a project lie: a folder, or object storage of which a folder here keeps some.
//!
//! On object storage manifests are numbered, `manifests/0000000007.json`, and one is published by creating the next number, which only one of
//! several publishers can. The folder here mirrors them under their ids, so that whoever reads finds in it what a local folder has; parts
//! come when they are read.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Manifest, Part, SnapshotError,
    bucket::Bucket,
    cache::Cache,
    folder::{folders, locked, make_folder, remove_file, remove_folder, write_renamed},
    manifest::FORMAT,
    parquet::Target,
};
use crate::{config::Project, files::FileMode};

/// Folder of the manifests.
pub(super) const MANIFEST_FOLDER: &str = "manifests";

/// Folder in which parts are written that are not on the object storage yet.
pub(super) const DRAFT_FOLDER: &str = "outgoing";

/// Which manifests of the object storage the folder has, within that of the manifests.
const INDEX: &str = "mirrored";

/// How folders of owners begin.
pub(super) const OWNER: &str = "owner=";

/// Where the snapshots of a project lie.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// The folder; of a catalog on object storage, what is here of it.
    pub(super) folder: PathBuf,
    pub(super) remote: Option<Remote>,
    /// Permissions of its files, where other users of the system are to read them.
    pub(super) sharing: Option<FileMode>,
}

/// The object storage behind a folder.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    /// What is below the lake.
    lake: Bucket,
    /// What is below this catalog.
    pub bucket: Bucket,
    /// Parts that are here.
    pub cache: Arc<Cache>,
    /// How the lake names what this catalog names: `owner=NAME/`, or nothing where it is the lake's own.
    pub within: String,
}

/// What object storage lets its caller write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// What is there is kept where that is asked.
    Conditional,
    /// What is there is overwritten even where it was to be kept.
    Unconditional,
    /// Nothing.
    Refused,
}

/// A manifest of the object storage that the folder has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mirrored {
    /// What changes when it does.
    tag: String,
    /// The snapshot.
    id: String,
}

impl Catalog {
    /// Returns the catalog of a project, as it is now.
    ///
    /// # Errors
    /// When object storage is gone, refuses the keys, or has a manifest that cannot be understood.
    pub fn of(project: &Project) -> Result<Catalog, SnapshotError> {
        let folder = project.snapshot_dir();
        let Some(bucket) = project.bucket() else {
            let sharing = if project.settings.lake.is_some() { project.shared_mode() } else { None };
            return Ok(Catalog::shared(&folder, sharing));
        };
        let lake = Bucket::of(bucket, &project.dir)?;
        let (root, within) = match owner_of(&folder) {
            Some((lake_folder, owner)) => (lake_folder.to_owned(), format!("{OWNER}{owner}/")),
            None => (folder.clone(), String::new()),
        };
        let cache = Arc::new(Cache::new(root, lake.clone(), bucket.cache_mb));
        let catalog = Catalog::on(lake, cache, folder, within);
        catalog.refresh()?;
        Ok(catalog)
    }

    /// Returns the catalog of a folder.
    pub fn at(folder: &Path) -> Catalog {
        Catalog::shared(folder, None)
    }

    fn shared(folder: &Path, sharing: Option<FileMode>) -> Catalog {
        Catalog { folder: folder.to_owned(), remote: None, sharing }
    }

    fn on(lake: Bucket, cache: Arc<Cache>, folder: PathBuf, within: String) -> Catalog {
        let bucket = if within.is_empty() { lake.clone() } else { lake.below(within.trim_end_matches('/')) };
        Catalog { folder, remote: Some(Remote { lake, bucket, cache, within }), sharing: None }
    }

    /// Tries what publishing needs, and leaves nothing behind; nothing where the catalog is in a folder.
    ///
    /// # Errors
    /// When object storage is gone.
    pub fn try_writing(&self) -> Result<Option<Writing>, SnapshotError> {
        let Some(remote) = &self.remote else { return Ok(None) };
        match keeps_what_is_there(&remote.bucket) {
            Ok(true) => Ok(Some(Writing::Conditional)),
            Ok(false) => Ok(Some(Writing::Unconditional)),
            Err(SnapshotError::Storage { is_refused: true, .. }) => Ok(Some(Writing::Refused)),
            Err(error) => Err(error),
        }
    }

    /// Returns where it lies, as people name it.
    pub fn address(&self) -> String {
        self.remote.as_ref().map_or_else(|| self.folder.display().to_string(), |remote| remote.bucket.address().to_owned())
    }

    /// Returns the catalogs of the owners of this lake, by name.
    pub(super) fn owners(&self) -> Result<BTreeMap<String, Catalog>, SnapshotError> {
        let names = match &self.remote {
            Some(remote) => remote.bucket.folders()?,
            None => folders(&self.folder)?,
        };
        let owner = |name: &String| {
            let owner = name.strip_prefix(OWNER)?;
            let folder = self.folder.join(name);
            let catalog = match &self.remote {
                Some(remote) => Catalog::on(remote.lake.clone(), Arc::clone(&remote.cache), folder, format!("{name}/")),
                None => Catalog::shared(&folder, self.sharing),
            };
            Some(catalog.refresh().map(|()| (owner.to_owned(), catalog)))
        };
        names.iter().filter_map(owner).collect()
    }

    /// Returns whether owners have catalogs below this one.
    pub(super) fn is_lake(&self) -> Result<bool, SnapshotError> {
        let names = match &self.remote {
            Some(remote) => remote.bucket.folders()?,
            None => folders(&self.folder)?,
        };
        Ok(names.iter().any(|name| name.starts_with(OWNER)))
    }

    /// Returns the lake of which this is an owner's catalog, as it is now; none where it is not one.
    pub(super) fn lake(&self) -> Result<Option<Catalog>, SnapshotError> {
        let Some((folder, _)) = owner_of(&self.folder) else { return Ok(None) };
        let lake = match &self.remote {
            Some(remote) => Catalog::on(remote.lake.clone(), Arc::clone(&remote.cache), folder.to_owned(), String::new()),
            None => Catalog::shared(folder, self.sharing),
        };
        lake.refresh()?;
        Ok(Some(lake))
    }

    /// Returns how the lake names a part of this owner's catalog.
    pub(super) fn name_in_lake(&self, part: &str) -> String {
        owner_of(&self.folder).map_or_else(|| part.to_owned(), |(_, owner)| format!("{OWNER}{owner}/{part}"))
    }

    /// Returns the manifests of all snapshots, oldest first.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn list(&self) -> Result<Vec<Manifest>, SnapshotError> {
        self.ids()?.iter().map(|id| self.read(id)).collect()
    }

    /// Returns the newest manifest, if any.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn latest(&self) -> Result<Option<Manifest>, SnapshotError> {
        self.ids()?.last().map(|id| self.read(id)).transpose()
    }

    /// Returns the ids of all snapshots, oldest first.
    pub(super) fn ids(&self) -> Result<Vec<String>, SnapshotError> {
        let manifests = self.folder.join(MANIFEST_FOLDER);
        let entries = match fs::read_dir(&manifests) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(SnapshotError::file("listed", manifests)(error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let path = entry.map_err(SnapshotError::file("listed", &manifests))?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                ids.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
            }
        }
        ids.sort();
        Ok(ids)
    }

    /// Returns a manifest.
    pub(super) fn read(&self, id: &str) -> Result<Manifest, SnapshotError> {
        let path = self.manifest_file(id);
        let text = fs::read(&path).map_err(SnapshotError::file("read", &path))?;
        let manifest = understood(&text, path.display().to_string())?;
        if manifest.id != id {
            return Err(SnapshotError::Misnamed { path: path.display().to_string(), id: manifest.id });
        }
        Ok(manifest)
    }

    /// Returns the file of a manifest; on object storage, of its mirror.
    pub(super) fn manifest_file(&self, id: &str) -> PathBuf {
        self.folder.join(MANIFEST_FOLDER).join(format!("{id}.json"))
    }

    /// Returns whether a snapshot is there now, whatever was known before.
    pub(super) fn is_there(&self, id: &str) -> Result<bool, SnapshotError> {
        let Some(remote) = &self.remote else { return Ok(self.manifest_file(id).exists()) };
        match self.name_of(id)? {
            Some((name, _)) => Ok(remote.bucket.written_at(&name)?.is_some()),
            None => Ok(false),
        }
    }

    /// Brings the mirror up to what the object storage has.
    pub(super) fn refresh(&self) -> Result<(), SnapshotError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let _turn = locked(&self.folder.join(MANIFEST_FOLDER), "turn", None)?;
        let known = self.index()?;
        let mut index = BTreeMap::new();
        for object in remote.bucket.list(MANIFEST_FOLDER)? {
            if let Some(mirrored) = known.get(&object.name).filter(|mirrored| mirrored.tag == object.tag) {
                index.insert(object.name, mirrored.clone());
                continue;
            }
            // One that was removed since it was listed is not there.
            let Some(bytes) = remote.bucket.read(&object.name)? else { continue };
            let manifest = understood(&bytes, format!("{}/{}", remote.bucket.address(), object.name))?;
            write_renamed(&self.manifest_file(&manifest.id), &bytes, None)?;
            index.insert(object.name, Mirrored { tag: object.tag, id: manifest.id });
        }
        if index == known {
            return Ok(());
        }
        let there: BTreeSet<&String> = index.values().map(|mirrored| &mirrored.id).collect();
        for id in self.ids()?.iter().filter(|id| !there.contains(id)) {
            let path = self.manifest_file(id);
            fs::remove_file(&path).map_err(SnapshotError::file("removed", &path))?;
        }
        let text = serde_json::to_vec_pretty(&index).expect("an index has only texts");
        write_renamed(&self.folder.join(MANIFEST_FOLDER).join(INDEX), &text, None)?;
        // What no manifest names any more, because it was pruned or a customer was unlinked, does not stay here.
        remote.cache.keep_only(&remote.mirrored_parts()?)
    }

    fn index(&self) -> Result<BTreeMap<String, Mirrored>, SnapshotError> {
        let path = self.folder.join(MANIFEST_FOLDER).join(INDEX);
        match fs::read(&path) {
            // One that cannot be read any more is made again.
            Ok(text) => Ok(serde_json::from_slice(&text).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(SnapshotError::file("read", path)(error)),
        }
    }

    /// Returns the object of a manifest, and its tag.
    fn name_of(&self, id: &str) -> Result<Option<(String, String)>, SnapshotError> {
        Ok(self.index()?.into_iter().find(|(_, mirrored)| mirrored.id == id).map(|(name, mirrored)| (name, mirrored.tag)))
    }

    /// Begins to write parts.
    pub(super) fn draft(&self) -> Result<Draft<'_>, SnapshotError> {
        let folder = if self.remote.is_none() {
            self.folder.clone()
        } else {
            // What a run that broke off has left was never published.
            let folder = self.folder.join(DRAFT_FOLDER);
            remove_folder(&folder)?;
            folder
        };
        make_folder(&folder, self.sharing)?;
        Ok(Draft { catalog: self, folder, there: OnceCell::new() })
    }

    /// Has a snapshot that is there be described by another manifest. Nobody may publish meanwhile.
    ///
    /// # Errors
    /// When somebody else has done so since this catalog was read.
    pub(super) fn describe_again(&self, manifest: &Manifest) -> Result<(), SnapshotError> {
        let Some(remote) = &self.remote else {
            return write_renamed(&self.manifest_file(&manifest.id), &text_of(manifest), self.sharing);
        };
        let overtaken = || SnapshotError::Overtaken(remote.bucket.address().to_owned());
        let (name, tag) = self.name_of(&manifest.id)?.ok_or_else(overtaken)?;
        if remote.bucket.replace(&name, &text_of(manifest), &tag)? { Ok(()) } else { Err(overtaken()) }
    }

    /// Removes parts from the object storage, where there is one.
    pub(super) fn remove_parts(&self, names: &[String]) -> Result<(), SnapshotError> {
        self.remote.as_ref().map_or(Ok(()), |remote| remote.bucket.remove(names))
    }

    /// Removes manifests; what they named stays.
    pub(super) fn remove_manifests(&self, ids: &[String]) -> Result<(), SnapshotError> {
        let Some(remote) = &self.remote else {
            return ids.iter().try_for_each(|id| remove_file(&self.manifest_file(id)));
        };
        let names: Vec<String> =
            self.index()?.into_iter().filter(|(_, mirrored)| ids.contains(&mirrored.id)).map(|(name, _)| name).collect();
        remote.bucket.remove(&names)
    }
}

impl Remote {
    /// Returns what the manifests that are mirrored here name, of the lake and of its owners.
    fn mirrored_parts(&self) -> Result<BTreeSet<String>, SnapshotError> {
        let root = self.cache.root();
        let mut named = BTreeSet::new();
        let owners = folders(root)?.into_iter().filter(|name| name.starts_with(OWNER)).map(|name| format!("{name}/"));
        for within in owners.chain([String::new()]) {
            for manifest in Catalog::at(&root.join(&within)).list()? {
                named.extend(manifest.parts().map(|part| format!("{within}{}", part.path)));
            }
        }
        Ok(named)
    }
}

/// Parts that are being written, which no snapshot names yet.
pub(super) struct Draft<'a> {
    catalog: &'a Catalog,
    /// Where they are written.
    pub folder: PathBuf,
    /// What the object storage has.
    there: OnceCell<BTreeSet<String>>,
}

impl Draft<'_> {
    /// Returns the folder into which parts are written.
    pub fn target(&self) -> Target<'_> {
        Target { folder: &self.folder, sharing: self.catalog.sharing }
    }

    /// Returns whether a part that was published is still there.
    pub fn has_published(&self, part: &Part) -> Result<bool, SnapshotError> {
        let Some(remote) = &self.catalog.remote else { return Ok(self.folder.join(&part.path).exists()) };
        Ok(self.there(remote)?.contains(&part.path))
    }

    /// Returns what the object storage had when this was first asked.
    fn there(&self, remote: &Remote) -> Result<&BTreeSet<String>, SnapshotError> {
        if let Some(there) = self.there.get() {
            return Ok(there);
        }
        let names = remote.bucket.list("")?.into_iter().map(|object| object.name).collect();
        Ok(self.there.get_or_init(|| names))
    }

    /// Publishes what was written: from now on `manifest` is a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError::Overtaken`] when somebody else published here since the catalog was read; nothing is overwritten.
    pub fn publish(self, manifest: &Manifest) -> Result<(), SnapshotError> {
        let Some(remote) = &self.catalog.remote else {
            make_folder(&self.folder.join(MANIFEST_FOLDER), self.catalog.sharing)?;
            return write_renamed(&self.catalog.manifest_file(&manifest.id), &text_of(manifest), self.catalog.sharing);
        };
        self.send()?;
        let next = match self.catalog.index()?.last_key_value() {
            None => 1,
            Some((name, _)) => 1 + number_of(name).ok_or_else(|| SnapshotError::Foreign(format!("{}/{name}", remote.bucket.address())))?,
        };
        let name = format!("{MANIFEST_FOLDER}/{next:010}.json");
        let overtaken = || SnapshotError::Overtaken(remote.bucket.address().to_owned());
        if !keeps_what_is_there(&remote.bucket)? {
            tracing::warn!(
                storage = remote.bucket.address(),
                "this storage overwrites what it is told to keep: of two publishers of one owner at the same time, one is lost"
            );
            if remote.bucket.written_at(&name)?.is_some() {
                return Err(overtaken());
            }
        }
        if !remote.bucket.create(&name, &text_of(manifest))? {
            return Err(overtaken());
        }
        remote.cache.adopt(&self.folder, &remote.within)?;
        self.catalog.refresh()
    }

    /// Sends what was written to the object storage, where there is one; parts that a manifest names and that were lost are there again.
    pub fn send(&self) -> Result<(), SnapshotError> {
        let Some(remote) = &self.catalog.remote else { return Ok(()) };
        let there = self.there(remote)?;
        // What a manifest names stays there. Anything else might be removed before the manifest is written, and is sent again.
        let named: BTreeSet<String> =
            self.catalog.list()?.iter().flat_map(|manifest| manifest.parts().map(|part| part.path.clone())).collect();
        let files: Vec<(String, PathBuf)> = super::cache::parts_below(&self.folder)?
            .into_iter()
            .filter(|(name, _)| !(named.contains(name) && there.contains(name)))
            .map(|(name, file)| (name, file.path))
            .collect();
        remote.bucket.send(&files)
    }
}

/// Returns whether the storage refuses to overwrite an object that must not be there yet: not all that speak S3 do.
fn keeps_what_is_there(bucket: &Bucket) -> Result<bool, SnapshotError> {
    let name = format!("condition-{}", Uuid::new_v4().simple());
    bucket.create(&name, b"1")?;
    let kept = !bucket.create(&name, b"2")?;
    bucket.remove(&[name])?;
    Ok(kept)
}

/// Returns the number of a manifest on object storage.
fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix(MANIFEST_FOLDER)?.trim_start_matches('/').strip_suffix(".json")?.parse().ok()
}

/// Returns the lake's folder and the owner, of an owner's folder.
fn owner_of(folder: &Path) -> Option<(&Path, &str)> {
    Some((folder.parent()?, folder.file_name()?.to_str()?.strip_prefix(OWNER)?))
}

fn text_of(manifest: &Manifest) -> Vec<u8> {
    serde_json::to_vec_pretty(manifest).expect("a manifest has only texts and numbers")
}

fn understood(text: &[u8], path: String) -> Result<Manifest, SnapshotError> {
    #[derive(Deserialize)]
    struct Form {
        format: u32,
    }
    // A later form can differ in anything else.
    if let Ok(Form { format }) = serde_json::from_slice(text)
        && format != FORMAT
    {
        return Err(SnapshotError::Format { path, format, known: FORMAT });
    }
    serde_json::from_slice(text).map_err(|source| SnapshotError::Manifest { path, source })
}
