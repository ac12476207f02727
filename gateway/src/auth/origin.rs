//! Whether a request that changes something comes from one of our own pages (http-api, Safety).

use http::{HeaderMap, header};
use url::Url;

/// Pages that may use cookies here, beside those of the address that was asked.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    allowed: Vec<String>,
}

impl Origins {
    /// The address people type, and further origins (`https://host[:port]`).
    #[must_use]
    pub fn new(public_url: Option<&Url>, allowed: &[String]) -> Self {
        let public = public_url.map(|url| url.origin().ascii_serialization());
        let allowed = allowed.iter().filter_map(|origin| Url::parse(origin).ok());
        Self { allowed: public.into_iter().chain(allowed.map(|url| url.origin().ascii_serialization())).collect() }
    }

    /// Whether a page of this origin is one of those named.
    #[must_use]
    pub fn names(&self, origin: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == origin)
    }

    /// Whether a request with a cookie may change something. Beacons arrive as text/plain and skip preflight, so this
    /// is asked for every POST.
    #[must_use]
    pub fn accept(&self, headers: &HeaderMap) -> bool {
        let origin = text(headers, header::ORIGIN.as_str());
        if origin.is_some_and(|origin| self.names(origin)) {
            return true;
        }
        match text(headers, "sec-fetch-site") {
            Some(site) => matches!(site, "same-origin" | "none"),
            None => origin.is_some_and(|origin| is_own(origin, headers)),
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The origin's host and port are those the browser asked, or those the proxy was asked.
fn is_own(origin: &str, headers: &HeaderMap) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    let Some(authority) = authority(&origin) else { return false };
    [header::HOST.as_str(), "x-forwarded-host"].into_iter().filter_map(|name| text(headers, name)).any(|host| {
        // The default port may be written or left out.
        Url::parse(&format!("{}://{host}", origin.scheme())).is_ok_and(|url| self::authority(&url) == Some(authority))
    })
}

fn authority(url: &Url) -> Option<(&str, u16)> {
    Some((url.host_str()?, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::own_page(&[("sec-fetch-site", "same-origin")], true)]
    #[case::typed_by_a_person(&[("sec-fetch-site", "none")], true)]
    #[case::another_site(&[("sec-fetch-site", "cross-site"), ("origin", "http://evil.example")], false)]
    #[case::another_port(&[("sec-fetch-site", "same-site"), ("origin", "http://floor.example:3000")], false)]
    #[case::allowed(&[("sec-fetch-site", "cross-site"), ("origin", "http://front.example:3000")], true)]
    #[case::public(&[("sec-fetch-site", "same-site"), ("origin", "https://andon.example")], true)]
    #[case::older_browser(&[("origin", "http://floor.example:8080")], true)]
    #[case::other_port_without_the_header(&[("origin", "http://floor.example")], false)]
    #[case::behind_a_proxy(&[("origin", "https://shop.example"), ("x-forwarded-host", "shop.example")], true)]
    #[case::sandboxed(&[("origin", "null")], false)]
    #[case::nothing_said(&[], false)]
    #[case::garbage(&[("origin", "::::")], false)]
    fn only_own_and_named_pages_may_change_things(
        #[case] said: &[(&'static str, &'static str)],
        #[case] accepted: bool,
    ) {
        let origins = Origins::new(
            Some(&Url::parse("https://andon.example/x").unwrap()),
            &["http://front.example:3000".to_owned(), "not an origin".to_owned()],
        );
        let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("floor.example:8080"))]);
        for (name, value) in said {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        assert_eq!(origins.accept(&headers), accepted);
    }
}
