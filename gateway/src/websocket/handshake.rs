//! The handshake of RFC 6455, section 4.2.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, Method, header, request};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::WebSocket;
use crate::error::SWITCHING_PROTOCOLS;

const VERSION: &str = "13";
/// Sixteen random bytes as base64.
const KEY_LENGTH: usize = 24;

/// The request is no handshake: what it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no WebSocket handshake: {0}")]
pub struct NotAHandshake(&'static str);

/// A handshake that can be completed.
pub struct Upgrade {
    on_upgrade: OnUpgrade,
    accept: HeaderValue,
}

impl Upgrade {
    /// Reads the handshake.
    ///
    /// # Errors
    /// It is none.
    pub fn read(parts: &mut request::Parts) -> Result<Self, NotAHandshake> {
        let headers = &parts.headers;
        let demand = |holds: bool, what| if holds { Ok(()) } else { Err(NotAHandshake(what)) };
        demand(parts.method == Method::GET, "it is no GET")?;
        demand(names(headers, &header::CONNECTION, "upgrade"), "Connection does not say upgrade")?;
        demand(names(headers, &header::UPGRADE, "websocket"), "Upgrade does not say websocket")?;
        demand(names(headers, &header::SEC_WEBSOCKET_VERSION, VERSION), "Sec-WebSocket-Version is not 13")?;
        let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| key.len() == KEY_LENGTH);
        let key = key.ok_or(NotAHandshake("Sec-WebSocket-Key is not 16 bytes"))?;
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
        let accept = accept.map_err(|_| NotAHandshake("Sec-WebSocket-Key cannot be answered"))?;
        let on_upgrade = parts.extensions.remove::<OnUpgrade>();
        Ok(Self { on_upgrade: on_upgrade.ok_or(NotAHandshake("the connection cannot be upgraded"))?, accept })
    }

    /// Completes it, naming this protocol when there is one, and serves what comes of it in a task of its own. Messages
    /// have `message_max` bytes at most.
    pub fn serve<F>(
        self,
        protocol: Option<&'static str>,
        message_max: usize,
        serve: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let on_upgrade = self.on_upgrade;
        tokio::spawn(async move {
            match on_upgrade.await {
                Ok(stream) => serve(WebSocket::new(TokioIo::new(stream), message_max)).await,
                Err(error) => tracing::debug!(%error, "a connection could not be upgraded"),
            }
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        if let Some(protocol) = protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        response
    }
}

/// Whether a header names this among others, in any case of its letters.
fn names(headers: &HeaderMap, name: &header::HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[(&'static str, &'static str)]) -> request::Parts {
        let mut request = http::Request::new(());
        for (name, value) in headers {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        request.into_parts().0
    }

    #[test]
    fn what_is_no_handshake_is_told_what_it_lacks() {
        let whole = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        // A request that did not come over a connection has nothing to upgrade: all else is there.
        let why = |headers: &[_]| Upgrade::read(&mut parts(headers)).err().unwrap().0;
        assert_eq!(why(&whole), "the connection cannot be upgraded");
        for (missing, name) in
            ["Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key"].into_iter().enumerate()
        {
            let rest: Vec<_> = whole.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, it)| *it).collect();
            assert!(why(&rest).starts_with(name), "{}", why(&rest));
        }
        let other = whole.map(|(name, value)| (name, if name == "sec-websocket-version" { "8" } else { value }));
        assert!(why(&other).starts_with("Sec-WebSocket-Version"));
        let mut post = parts(&whole);
        post.method = Method::POST;
        assert_eq!(Upgrade::read(&mut post).err(), Some(NotAHandshake("it is no GET")));
    }

    #[test]
    fn the_answer_is_that_of_the_standard() {
        // RFC 6455, section 1.3.
        assert_eq!(derive_accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
