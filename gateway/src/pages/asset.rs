//! One file of the pages: its type, its tag, its compressed form, and the answer to whoever asks for it.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::Write as _,
    sync::{Arc, LazyLock},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};
use rust_embed::RustEmbed;

use crate::error::NOT_MODIFIED;

#[derive(RustEmbed)]
#[folder = "web"]
struct Files;

/// The file of the service worker.
pub const SERVICE_WORKER: &str = "sw.js";
/// Shorter files are not worth compressing: the headers weigh more.
const COMPRESS_FROM_BYTES: usize = 512;

/// Asks whether the file is still the same, every time: a tablet must not run yesterday's script against today's server.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
/// What is no page gets nothing: a picture that is opened by itself runs no script. Shorter than a page's own policy,
/// which a script or a style sheet would not heed, and some sixty of them make a page.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// Devices that the pages have no use for.
const PERMISSIONS: HeaderValue =
    HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()");

/// What a file is, by the end of its name. A file of another kind is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Html,
    Script,
    Style,
    Svg,
    Png,
    Manifest,
    Text,
}

impl Kind {
    /// Of the file with this name.
    pub fn of(path: &str) -> Option<Self> {
        Some(match path.rsplit_once('.')?.1 {
            "html" => Self::Html,
            "js" => Self::Script,
            "css" => Self::Style,
            "svg" => Self::Svg,
            "png" => Self::Png,
            "webmanifest" => Self::Manifest,
            "txt" => Self::Text,
            _ => return None,
        })
    }

    const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Script => "text/javascript; charset=utf-8",
            Self::Style => "text/css; charset=utf-8",
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
            Self::Manifest => "application/manifest+json",
            Self::Text => "text/plain; charset=utf-8",
        })
    }
}

/// A file as it is sent, plain or compressed.
struct Form {
    body: Bytes,
    /// Strong: another form of the same file has another tag.
    tag: HeaderValue,
}

/// A file of the pages.
pub struct Asset {
    kind: Kind,
    is_worker: bool,
    plain: Form,
    gzip: Option<Form>,
}

/// The file below `gateway/web` with this path.
pub fn find(path: &str) -> Option<Arc<Asset>> {
    // Compressed once and kept, all of them: what a release has in it does not change.
    static EMBEDDED: LazyLock<HashMap<Cow<'static, str>, Arc<Asset>>> =
        LazyLock::new(|| Files::iter().filter_map(|path| read(&path).map(|asset| (path, Arc::new(asset)))).collect());
    if cfg!(debug_assertions) { read(path).map(Arc::new) } else { EMBEDDED.get(path).cloned() }
}

/// Every path that is served.
#[cfg(test)]
pub fn paths() -> Vec<String> {
    Files::iter().filter(|path| Kind::of(path).is_some()).map(Cow::into_owned).collect()
}

fn read(path: &str) -> Option<Asset> {
    let kind = Kind::of(path)?;
    let file = Files::get(path)?;
    let hash: String = file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let body = match file.data {
        Cow::Borrowed(embedded) => Bytes::from_static(embedded),
        Cow::Owned(read) => Bytes::from(read),
    };
    let gzip = compressed(&body).and_then(|body| Form::new(body, &format!("\"{hash}-gzip\"")));
    Some(Asset { kind, is_worker: path == SERVICE_WORKER, plain: Form::new(body, &format!("\"{hash}\""))?, gzip })
}

/// Compressed, when that makes it smaller.
fn compressed(body: &[u8]) -> Option<Bytes> {
    if body.len() < COMPRESS_FROM_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().filter(|gzip| gzip.len() < body.len()).map(Bytes::from)
}

impl Form {
    fn new(body: Bytes, tag: &str) -> Option<Self> {
        Some(Self { body, tag: HeaderValue::from_str(tag).ok()? })
    }
}

impl Asset {
    /// The answer to a request with these headers: the file, or that it is still the one that the browser has.
    pub fn answer(&self, asked: &HeaderMap) -> Response {
        let gzip = self.gzip.as_ref().filter(|_| takes_gzip(asked));
        let form = gzip.unwrap_or(&self.plain);
        let mut response = if has(asked, &form.tag) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = NOT_MODIFIED;
            response
        } else {
            let mut response = Response::new(Body::from(form.body.clone()));
            response.headers_mut().insert(header::CONTENT_TYPE, self.kind.content_type());
            if gzip.is_some() {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, form.tag.clone());
        headers.insert(header::CACHE_CONTROL, REVALIDATE);
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
        match self.kind {
            Kind::Html => drop(headers.insert("permissions-policy", PERMISSIONS)),
            // A service worker is a script that heeds a policy: the one that every answer has.
            Kind::Script if self.is_worker => {}
            _ => drop(headers.insert(header::CONTENT_SECURITY_POLICY, NO_PAGE)),
        }
        response
    }
}

/// The items of a header that is a list.
fn items<'a>(asked: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a str> {
    asked
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn takes_gzip(asked: &HeaderMap) -> bool {
    items(asked, &header::ACCEPT_ENCODING).any(|item| {
        let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
        matches!(coding.trim(), "gzip" | "*") && !refused
    })
}

/// Whether the browser has this form already. Compared weakly, as RFC 9110 (13.1.2) asks: a proxy may have weakened it.
fn has(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    items(asked, &header::IF_NONE_MATCH).any(|item| item == "*" || item.trim_start_matches("W/") == tag)
}
