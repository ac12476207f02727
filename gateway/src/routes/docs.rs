//! `GET /api/docs`: the contract for people, in one page without scripts or anything from elsewhere.

use std::fmt::Write;

use axum::response::Html;
use utoipa::{
    OpenApi,
    openapi::{PathItem, RefOr, path::Operation},
};

use super::openapi::Contract;

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Andon: HTTP contract</title>\
<meta name=\"viewport\" content=\"width=device-width\"></head><body><h1>Andon: HTTP contract</h1>\
<p>The same for machines: <a href=\"/api/openapi.json\">openapi.json</a>. Errors are \
<code>{\"error\", \"message\", \"details\"?}</code>: the code is the contract.</p>";

/// The page.
pub async fn docs() -> Html<String> {
    let contract = Contract::openapi();
    let mut page = HEAD.to_owned();
    for (path, item) in &contract.paths.paths {
        for (method, operation) in operations(item) {
            write_operation(&mut page, method, path, operation);
        }
    }
    page.push_str("</body></html>");
    Html(page)
}

fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    [("GET", &item.get), ("POST", &item.post), ("PUT", &item.put), ("PATCH", &item.patch), ("DELETE", &item.delete)]
        .into_iter()
        .filter_map(|(method, operation)| operation.as_ref().map(|operation| (method, operation)))
}

fn write_operation(page: &mut String, method: &str, path: &str, operation: &Operation) {
    let summary = operation.summary.as_deref().unwrap_or_default();
    // Writing into a String cannot fail.
    let _ = write!(page, "<h2><code>{method} {}</code></h2><p>{}</p><ul>", escaped(path), escaped(summary));
    for parameter in operation.parameters.iter().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        let description = parameter.description.as_deref().unwrap_or_default();
        let _ = write!(page, "<li><code>{}</code> {}</li>", escaped(&parameter.name), escaped(description));
    }
    for (status, response) in &operation.responses.responses {
        if let RefOr::T(response) = response {
            let _ = write!(page, "<li>{}: {}</li>", escaped(status), escaped(&response.description));
        }
    }
    page.push_str("</ul>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
