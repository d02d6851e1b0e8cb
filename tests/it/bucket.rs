//! Object storage on loopback that speaks as much of S3 as a lake needs, has a clock of its own, and fails when told.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, mpsc},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, Response, StatusCode},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use crate::support::NOW;

/// Key of whoever may read and write; that of who may only read is `READER`.
pub const KEY: &str = "OWNER";

/// A server with one bucket called `lake`, which ends with this value.
pub struct Storage {
    address: String,
    state: Arc<Mutex<Objects>>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

/// What the bucket holds, and how it behaves.
pub struct Objects {
    pub by_key: BTreeMap<String, (Vec<u8>, DateTime<Utc>)>,
    pub now: DateTime<Utc>,
    /// Whether conditions of writes hold, as with Amazon, or are passed over, as with some that imitate it.
    pub keeps_conditions: bool,
    /// What is there when somebody is about to create an object whose key ends so, as if another had been faster.
    pub rival: Option<(String, Vec<u8>)>,
    /// So many of the next calls are answered with 503.
    pub busy: usize,
    /// Pieces of uploads that are not finished.
    uploads: HashMap<String, BTreeMap<u32, Vec<u8>>>,
    /// How many uploads came in pieces.
    pub in_pieces: usize,
}

impl Storage {
    pub fn start() -> Storage {
        let objects = Objects {
            by_key: BTreeMap::new(),
            now: NOW.parse().unwrap(),
            keeps_conditions: true,
            rival: None,
            busy: 0,
            uploads: HashMap::new(),
            in_pieces: 0,
        };
        let state = Arc::new(Mutex::new(objects));
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let served = Arc::clone(&state);
        // A runtime of its own: whoever waits for an answer may fill the threads of the test's.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let router = Router::new().fallback(answer).with_state(served);
                tokio::select! { _ = axum::serve(listener, router) => {}, _ = stopped => {} }
            });
        });
        Storage { address: format!("http://{}", told.recv().unwrap()), state, _stop: stop }
    }

    pub fn objects(&self) -> MutexGuard<'_, Objects> {
        self.state.lock().unwrap()
    }

    /// Returns the lines of `[storage]` that name this bucket, and `[storage.s3]`.
    pub fn settings(&self, owner: Option<&str>) -> String {
        let owner = owner.map(|owner| format!("owner = \"{owner}\"\n")).unwrap_or_default();
        let keys = "access_key_file = \"keys/s3.id\"\nsecret_key_file = \"keys/s3.key\"";
        format!("lake = \"s3://lake/team\"\n{owner}[storage.s3]\nendpoint = \"{}\"\n{keys}\n", self.address)
    }

    /// Returns the keys of all objects whose key contains `part`.
    pub fn keys(&self, part: &str) -> Vec<String> {
        self.objects().by_key.keys().filter(|key| key.contains(part)).cloned().collect()
    }

    /// Lets time pass by the storage's clock.
    pub fn wait(&self, time: TimeDelta) {
        self.objects().now += time;
    }
}

type Answer = Response<Body>;

fn plain(status: StatusCode, body: impl Into<Body>) -> Answer {
    Response::builder().status(status).body(body.into()).unwrap()
}

fn refused(status: StatusCode, code: &str) -> Answer {
    plain(status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>"))
}

fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", &relato::domain::digest::sha256(bytes)[..32])
}

async fn answer(State(state): State<Arc<Mutex<Objects>>>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let query: HashMap<String, String> = parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), decoded(&value.replace('+', " "))))
        .collect();
    let path = decoded(parts.uri.path());
    let mut objects = state.lock().unwrap();
    if objects.busy > 0 {
        objects.busy -= 1;
        return refused(StatusCode::SERVICE_UNAVAILABLE, "SlowDown");
    }
    let authorization = parts.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_reader = authorization.contains("Credential=READER/");
    if !is_reader && !authorization.contains(&format!("Credential={KEY}/")) {
        return refused(StatusCode::FORBIDDEN, "InvalidAccessKeyId");
    }
    let Some(key) = path.strip_prefix("/lake").filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
        return refused(StatusCode::NOT_FOUND, "NoSuchBucket");
    };
    let key = key.trim_start_matches('/');
    if is_reader && parts.method != Method::GET && parts.method != Method::HEAD {
        return refused(StatusCode::FORBIDDEN, "AccessDenied");
    }
    match (parts.method.as_str(), key) {
        ("GET", "") => list(&objects, &query),
        ("GET" | "HEAD", key) => match objects.by_key.get(key) {
            None => refused(StatusCode::NOT_FOUND, "NoSuchKey"),
            Some((bytes, written_at)) => Response::builder()
                .header("etag", tag(bytes))
                .header("last-modified", written_at.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
                .header("content-length", bytes.len())
                .body(if parts.method == Method::HEAD { Body::empty() } else { bytes.clone().into() })
                .unwrap(),
        },
        ("PUT", key) if query.contains_key("partNumber") => {
            let number = query["partNumber"].parse().unwrap();
            objects.uploads.get_mut(&query["uploadId"]).expect("an upload").insert(number, body.to_vec());
            assert!(key.ends_with(".parquet"));
            with_tag(&body)
        }
        ("PUT", key) => put(&mut objects, key, &body, &parts.headers),
        ("POST", "") if query.contains_key("delete") => {
            let text = String::from_utf8(body.to_vec()).unwrap();
            let keys: Vec<&str> = text.split("<Key>").skip(1).filter_map(|part| part.split("</Key>").next()).collect();
            let removed = |key: &&str| format!("<Deleted><Key>{key}</Key></Deleted>");
            for key in &keys {
                objects.by_key.remove(*key);
            }
            let removed = keys.iter().map(removed).collect::<Vec<_>>().concat();
            plain(StatusCode::OK, format!("<?xml version=\"1.0\"?><DeleteResult>{removed}</DeleteResult>"))
        }
        ("POST", key) if query.contains_key("uploads") => {
            let id = format!("upload-{}", objects.in_pieces);
            objects.in_pieces += 1;
            objects.uploads.insert(id.clone(), BTreeMap::new());
            let begun = format!("<Bucket>lake</Bucket><Key>{key}</Key><UploadId>{id}</UploadId>");
            plain(StatusCode::OK, format!("<?xml version=\"1.0\"?><InitiateMultipartUploadResult>{begun}</InitiateMultipartUploadResult>"))
        }
        ("POST", key) => {
            let bytes: Vec<u8> = objects.uploads.remove(&query["uploadId"]).expect("an upload").into_values().flatten().collect();
            let (tag, now) = (tag(&bytes), objects.now);
            objects.by_key.insert(key.to_owned(), (bytes, now));
            let done = format!("<Bucket>lake</Bucket><Key>{key}</Key><ETag>{}</ETag>", tag.replace('"', "&quot;"));
            plain(StatusCode::OK, format!("<?xml version=\"1.0\"?><CompleteMultipartUploadResult>{done}</CompleteMultipartUploadResult>"))
        }
        ("DELETE", key) => {
            objects.by_key.remove(key);
            plain(StatusCode::NO_CONTENT, "")
        }
        (method, key) => panic!("{method} {key} is not spoken here"),
    }
}

fn put(objects: &mut Objects, key: &str, body: &Bytes, headers: &HeaderMap) -> Answer {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let sent = header("x-amz-checksum-sha256").expect("uploads have a checksum");
    assert_eq!(sent, BASE64_STANDARD.encode(Sha256::digest(body)), "{key}");
    if let Some((_, rival)) = objects.rival.take_if(|(end, _)| key.ends_with(&**end)) {
        let now = objects.now;
        objects.by_key.insert(key.to_owned(), (rival, now));
    }
    let there = objects.by_key.get(key).map(|(bytes, _)| tag(bytes));
    let is_kept = match (header("if-none-match"), header("if-match")) {
        (Some(_), _) => there.is_some(),
        (None, Some(wanted)) => there != Some(wanted),
        (None, None) => false,
    };
    if is_kept && objects.keeps_conditions {
        return refused(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let now = objects.now;
    objects.by_key.insert(key.to_owned(), (body.to_vec(), now));
    with_tag(body)
}

fn with_tag(body: &[u8]) -> Answer {
    Response::builder().header("etag", tag(body)).body(Body::empty()).unwrap()
}

fn list(objects: &Objects, query: &HashMap<String, String>) -> Answer {
    let prefix = query.get("prefix").map_or("", String::as_str);
    let mut contents = Vec::new();
    let mut folders = std::collections::BTreeSet::new();
    for (key, (bytes, written_at)) in objects.by_key.iter().filter(|(key, _)| key.starts_with(prefix)) {
        if query.contains_key("delimiter")
            && let Some((folder, _)) = key[prefix.len()..].split_once('/')
        {
            folders.insert(format!("{prefix}{folder}/"));
            continue;
        }
        let (tag, at, size) = (tag(bytes).replace('"', "&quot;"), written_at.format("%Y-%m-%dT%H:%M:%S.000Z"), bytes.len());
        contents
            .push(format!("<Contents><Key>{key}</Key><LastModified>{at}</LastModified><ETag>{tag}</ETag><Size>{size}</Size></Contents>"));
    }
    let folders = folders.iter().map(|folder| format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"));
    let listed = contents.into_iter().chain(folders).collect::<Vec<_>>().concat();
    plain(StatusCode::OK, format!("<?xml version=\"1.0\"?><ListBucketResult>{listed}</ListBucketResult>"))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}
