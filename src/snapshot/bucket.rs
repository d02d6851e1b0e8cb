//! The door to object storage: what lies below one prefix of a bucket.
//!
//! Everything here waits for its answer. Calls are repeated a few times when they may succeed later; what they then fail with says whether
//! the storage is gone, refuses the keys, or does not have what was asked for.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, mpsc},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload, RetryConfig, UpdateVersion, WriteMultipart,
    aws::{AmazonS3Builder, Checksum, S3ConditionalPut},
    path::Path as Key,
};
use secrecy::ExposeSecret;
use tokio::runtime::Runtime;

use super::SnapshotError;
use crate::{
    config::{self, Credentials, Problem, SecretSource},
    domain::digest::Hashing,
};

/// Files up to this size are sent in one piece; larger ones in pieces of it.
const PIECE: usize = 16 << 20;

/// Pieces, or files, on their way at once.
const AT_ONCE: usize = 8;

/// How often a call is repeated, and for how long at most.
const RETRIES: RetryConfig = RetryConfig {
    backoff: BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(5), base: 2.0 },
    max_retries: 5,
    retry_timeout: Duration::from_mins(2),
};

/// Calls run here, whoever waits for them: a runtime of its own can be waited for within another.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).thread_name("bucket").enable_all().build().expect("two threads")
});

/// Objects of a bucket below one prefix.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    /// What the names of its objects begin with.
    prefix: String,
    /// `s3://bucket/prefix`.
    address: String,
}

/// An object, as a listing tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    /// Its name below the prefix.
    pub name: String,
    /// What changes when its content does.
    pub tag: String,
    /// When it was written, by the storage's clock.
    pub written_at: DateTime<Utc>,
}

impl Bucket {
    /// Makes a way to the bucket that a project names; nothing is asked of it yet.
    ///
    /// # Errors
    /// When its keys cannot be had.
    pub fn of(bucket: &config::Bucket, project: &Path) -> Result<Bucket, SnapshotError> {
        // Another part of the program may have chosen the same already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address = bucket.address();
        let wrong = |problem: Problem| SnapshotError::Keys(problem.into());
        let mut builder = match &bucket.credentials {
            Credentials::Machine => AmazonS3Builder::from_env(),
            Credentials::Keys { access_key, secret_key } => {
                let fetch = |source: &SecretSource, what: &str| source.fetch(project, &format!("{what} of {address}")).map_err(wrong);
                let access = fetch(access_key, "the id of the key")?;
                let secret = fetch(secret_key, "the key")?;
                let builder =
                    AmazonS3Builder::new().with_access_key_id(access.expose_secret()).with_secret_access_key(secret.expose_secret());
                // Keys for a while come with a third part.
                match SecretSource::Env("AWS_SESSION_TOKEN".to_owned()).fetch(project, "") {
                    Ok(token) => builder.with_token(token.expose_secret()),
                    Err(_) => builder,
                }
            }
        };
        if let Some(endpoint) = &bucket.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let is_plain = bucket.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let store = builder
            .with_bucket_name(&bucket.name)
            .with_region(&bucket.region)
            .with_client_options(ClientOptions::new().with_allow_http(is_plain).with_timeout(Duration::from_mins(1)))
            .with_checksum_algorithm(Checksum::SHA256)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_retry(RETRIES)
            .build()
            .map_err(|error| fault(&address, "reached", "", &error))?;
        Ok(Bucket::new(Arc::new(store), &bucket.prefix, &address))
    }

    fn new(store: Arc<dyn ObjectStore>, prefix: &str, address: &str) -> Bucket {
        Bucket { store, prefix: prefix.to_owned(), address: address.to_owned() }
    }

    /// Returns the way to what lies in `folder` below this prefix.
    pub fn below(&self, folder: &str) -> Bucket {
        Bucket::new(Arc::clone(&self.store), self.key(folder).as_ref(), &format!("{}/{folder}", self.address))
    }

    /// Returns `s3://bucket/prefix`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns all objects in `folder`; all there are when it is empty.
    pub fn list(&self, folder: &str) -> Result<Vec<Object>, SnapshotError> {
        let (store, key) = (Arc::clone(&self.store), self.key(folder));
        let found = wait(async move { store.list(Some(&key)).try_collect::<Vec<_>>().await });
        let found = found.map_err(|error| fault(&self.address, "listed", folder, &error))?;
        let below = |key: &Key| key.as_ref().strip_prefix(&self.prefix).map(|name| name.trim_start_matches('/').to_owned());
        let mut objects: Vec<Object> = found
            .into_iter()
            .filter_map(|meta| {
                let name = below(&meta.location)?;
                let tag = meta.e_tag.unwrap_or_else(|| format!("{} {}", meta.last_modified, meta.size));
                Some(Object { name, tag, written_at: meta.last_modified })
            })
            .collect();
        objects.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(objects)
    }

    /// Returns the names of the folders directly below the prefix.
    pub fn folders(&self) -> Result<Vec<String>, SnapshotError> {
        let (store, key) = (Arc::clone(&self.store), self.key(""));
        let found = wait(async move { store.list_with_delimiter(Some(&key)).await });
        let found = found.map_err(|error| fault(&self.address, "listed", "", &error))?;
        Ok(found.common_prefixes.iter().filter_map(|key| key.filename().map(str::to_owned)).collect())
    }

    /// Returns the content of an object; none where there is no such object.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, SnapshotError> {
        let (store, key) = (Arc::clone(&self.store), self.key(name));
        match wait(async move { store.get(&key).await?.bytes().await }) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(fault(&self.address, "read", name, &error)),
        }
    }

    /// Returns when an object was written; none where there is no such object.
    pub fn written_at(&self, name: &str) -> Result<Option<DateTime<Utc>>, SnapshotError> {
        let (store, key) = (Arc::clone(&self.store), self.key(name));
        match wait(async move { store.head(&key).await }) {
            Ok(meta) => Ok(Some(meta.last_modified)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(fault(&self.address, "read", name, &error)),
        }
    }

    /// Returns the SHA-256 of an object, in hexadecimal; none where there is no such object.
    pub fn sha256(&self, name: &str) -> Result<Option<String>, SnapshotError> {
        let (store, key) = (Arc::clone(&self.store), self.key(name));
        let hashed = wait(copy(store, key, std::io::sink()));
        match hashed {
            Ok(hash) => Ok(Some(hash)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(fault(&self.address, "read", name, &error)),
        }
    }

    /// Copies objects to files, several at once; returns the SHA-256 of each in hexadecimal, or none where there is no such object.
    pub fn fetch(&self, files: &[(String, PathBuf)]) -> Result<Vec<Option<String>>, SnapshotError> {
        let jobs = files.iter().map(|(name, path)| download(Arc::clone(&self.store), self.key(name), path.clone())).collect();
        wait_for_all(jobs).map_err(|error| fault(&self.address, "read", first_of(files), &error))
    }

    /// Sends files, several at once, large ones in pieces; an object of the same name is replaced.
    pub fn send(&self, files: &[(String, PathBuf)]) -> Result<(), SnapshotError> {
        let jobs = files.iter().map(|(name, path)| upload(Arc::clone(&self.store), self.key(name), path.clone())).collect();
        wait_for_all(jobs).map(drop).map_err(|error| fault(&self.address, "written", first_of(files), &error))
    }

    /// Writes an object that must not be there yet; returns false where it is.
    pub fn create(&self, name: &str, bytes: &[u8]) -> Result<bool, SnapshotError> {
        match self.put(name, bytes, PutMode::Create) {
            Ok(()) => Ok(true),
            // One that was written by a call whose answer was lost is there, and is ours.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                Ok(!bytes.is_empty() && self.read(name)?.is_some_and(|found| found == bytes))
            }
            Err(error) => Err(fault(&self.address, "written", name, &error)),
        }
    }

    /// Replaces an object that must have `tag`; returns false where it has not.
    pub fn replace(&self, name: &str, bytes: &[u8], tag: &str) -> Result<bool, SnapshotError> {
        let version = UpdateVersion { e_tag: Some(tag.to_owned()), version: None };
        match self.put(name, bytes, PutMode::Update(version)) {
            Ok(()) => Ok(true),
            Err(Error::NotFound { .. } | Error::Precondition { .. }) => Ok(self.read(name)?.is_some_and(|found| found == bytes)),
            Err(error) => Err(fault(&self.address, "written", name, &error)),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], mode: PutMode) -> Result<(), Error> {
        let (store, key, payload) = (Arc::clone(&self.store), self.key(name), PutPayload::from(bytes.to_vec()));
        wait(async move { store.put_opts(&key, payload, mode.into()).await.map(|_| ()) })
    }

    /// Removes objects; those that are not there are no error.
    pub fn remove(&self, names: &[String]) -> Result<(), SnapshotError> {
        let (store, keys) = (Arc::clone(&self.store), names.iter().map(|name| Ok(self.key(name))).collect::<Vec<_>>());
        let removed = wait(async move {
            let mut removed = store.delete_stream(stream::iter(keys).boxed());
            while let Some(one) = removed.next().await {
                match one {
                    Ok(_) | Err(Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        let what = names.first().map_or("", String::as_str);
        removed.map_err(|error| fault(&self.address, "removed", what, &error))
    }

    fn key(&self, name: &str) -> Key {
        Key::from(format!("{}/{name}", self.prefix))
    }
}

fn first_of(files: &[(String, PathBuf)]) -> &str {
    files.first().map_or("", |(name, _)| name)
}

/// Copies an object; returns the SHA-256 of its bytes in hexadecimal.
async fn copy(store: Arc<dyn ObjectStore>, key: Key, to: impl Write) -> Result<String, Error> {
    let mut chunks = store.get(&key).await?.into_stream();
    let mut out = Hashing::new(to);
    while let Some(chunk) = chunks.try_next().await? {
        out.write_all(&chunk).map_err(of_file)?;
    }
    out.flush().map_err(of_file)?;
    Ok(out.finish().1)
}

async fn download(store: Arc<dyn ObjectStore>, key: Key, path: PathBuf) -> Result<Option<String>, Error> {
    let file = File::create(&path).map_err(of_file)?;
    match copy(store, key, file).await {
        Ok(hash) => Ok(Some(hash)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn upload(store: Arc<dyn ObjectStore>, key: Key, path: PathBuf) -> Result<(), Error> {
    let mut file = File::open(&path).map_err(of_file)?;
    if file.metadata().map_err(of_file)?.len() <= PIECE as u64 {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(of_file)?;
        return store.put(&key, bytes.into()).await.map(drop);
    }
    let mut pieces = WriteMultipart::new_with_chunk_size(store.put_multipart(&key).await?, PIECE);
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece).map_err(of_file)?;
        if read == 0 {
            return pieces.finish().await.map(drop);
        }
        pieces.wait_for_capacity(AT_ONCE).await?;
        pieces.write(&piece[..read]);
    }
}

/// Makes an error of one of a file on this side.
fn of_file(source: std::io::Error) -> Error {
    Error::Generic { store: "file", source: Box::new(source) }
}

/// Waits for `work`, which runs elsewhere.
fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (tell, told) = mpsc::channel();
    RUNTIME.spawn(async move { tell.send(work.await) });
    told.recv().expect("calls do not panic")
}

/// Does several things at once; returns what became of them in their order, or the first failure.
fn wait_for_all<T: Send + 'static>(jobs: Vec<impl Future<Output = Result<T, Error>> + Send + 'static>) -> Result<Vec<T>, Error> {
    wait(async move { stream::iter(jobs).buffered(AT_ONCE).try_collect().await })
}

/// What S3 says of whoever may not do something.
const REFUSALS: [&str; 6] =
    ["AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "TokenRefreshRequired"];

/// Says what went wrong, without what was sent.
fn fault(address: &str, action: &'static str, name: &str, error: &Error) -> SnapshotError {
    let text = error.to_string();
    // S3 says in XML what it has against a call.
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code.to_owned());
    let is_refused = matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. })
        || code.as_ref().is_some_and(|code| REFUSALS.contains(&code.as_str()));
    let why = match (error, code) {
        (_, code) if is_refused => {
            format!("the keys are refused ({})", code.as_deref().unwrap_or("access denied"))
        }
        (_, Some(code)) => code,
        (Error::NotFound { .. }, None) => "it is not there".to_owned(),
        (error, None) => {
            let mut root: &dyn std::error::Error = error;
            while let Some(source) = root.source() {
                root = source;
            }
            root.to_string()
        }
    };
    let path = if name.is_empty() { address.to_owned() } else { format!("{address}/{name}") };
    SnapshotError::Storage { action, path, why, is_refused }
}

#[cfg(test)]
impl Bucket {
    /// Returns a bucket that ends with the test.
    pub fn in_memory() -> Bucket {
        Bucket::new(Arc::new(object_store::memory::InMemory::new()), "prefix", "s3://memory/prefix")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_larger_than_a_piece_arrive_whole() {
        let (folder, bucket) = (tempfile::tempdir().unwrap(), Bucket::in_memory());
        for size in [0, 5, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let (from, to) = (folder.path().join("from"), folder.path().join("to"));
            let bytes: Vec<u8> = (0..size).map(|place| u8::try_from(place % 251).unwrap()).collect();
            std::fs::write(&from, &bytes).unwrap();
            bucket.send(&[("a/b".to_owned(), from)]).unwrap();
            let hashes = bucket.fetch(&[("a/b".to_owned(), to.clone()), ("a/c".to_owned(), folder.path().join("none"))]).unwrap();
            assert_eq!(hashes, [bucket.sha256("a/b").unwrap(), None], "{size}");
            assert!(std::fs::read(&to).unwrap() == bytes, "{size}");
        }
    }

    #[test]
    fn an_object_is_created_once_and_replaced_by_who_knows_it() {
        let bucket = Bucket::in_memory();
        assert!(bucket.create("m/1", b"one").unwrap());
        assert!(!bucket.create("m/1", b"two").unwrap());
        // The answer to the first call was lost, and it is made again.
        assert!(bucket.create("m/1", b"one").unwrap());
        let tag = bucket.list("m").unwrap().pop().unwrap().tag;
        assert!(bucket.replace("m/1", b"three", &tag).unwrap());
        assert!(!bucket.replace("m/1", b"four", &tag).unwrap());
        assert_eq!(bucket.read("m/1").unwrap().unwrap(), b"three");
        assert_eq!(bucket.below("m").list("").unwrap().len(), 1);
        assert_eq!(bucket.folders().unwrap(), ["m"]);
        bucket.remove(&["m/1".to_owned(), "m/2".to_owned()]).unwrap();
        assert_eq!(bucket.read("m/1").unwrap(), None);
    }
}
