//! The files of the page. They are the same everywhere, and load nothing from elsewhere.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

/// Nothing but the files of this server: no script, style or frame of anybody else, none that stands
/// in the page itself, and no form that sends a token elsewhere.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

const INDEX: &str = include_str!("page/index.html");

/// Each file that the page loads: its name, type and text.
const FILES: [(&str, &str, &str); 22] = [
    ("theme.css", CSS, include_str!("page/theme.css")),
    ("layout.css", CSS, include_str!("page/layout.css")),
    ("parts.css", CSS, include_str!("page/parts.css")),
    ("main.js", JS, include_str!("page/main.js")),
    ("store.js", JS, include_str!("page/store.js")),
    ("stream.js", JS, include_str!("page/stream.js")),
    ("token.js", JS, include_str!("page/token.js")),
    ("place.js", JS, include_str!("page/place.js")),
    ("keyboard.js", JS, include_str!("page/keyboard.js")),
    ("theme.js", JS, include_str!("page/theme.js")),
    ("dom.js", JS, include_str!("page/dom.js")),
    ("format.js", JS, include_str!("page/format.js")),
    ("chart.js", JS, include_str!("page/chart.js")),
    ("list.js", JS, include_str!("page/list.js")),
    ("autoscalers.js", JS, include_str!("page/autoscalers.js")),
    ("mappings.js", JS, include_str!("page/mappings.js")),
    ("activation.js", JS, include_str!("page/activation.js")),
    ("sources.js", JS, include_str!("page/sources.js")),
    ("delegates.js", JS, include_str!("page/delegates.js")),
    ("plugins.js", JS, include_str!("page/plugins.js")),
    ("teams.js", JS, include_str!("page/teams.js")),
    ("explanation.js", JS, include_str!("page/explanation.js")),
];

/// The page.
pub(super) async fn index() -> Response {
    answer(HTML, INDEX)
}

/// A file of it.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some(&(_, kind, text)) => answer(kind, text),
        None => (StatusCode::NOT_FOUND, "the page has no such file\n").into_response(),
    }
}

fn answer(kind: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // Another version of the adapter has other files under the same names.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_page_loads_is_there() {
        let texts = FILES.iter().map(|(_, _, text)| *text).chain([INDEX]);
        let mut loaded = 0;
        for text in texts {
            for quote in ["\"page/", "\"./"] {
                for rest in text.split(quote).skip(1) {
                    let name = rest.split('"').next().unwrap();
                    assert!(FILES.iter().any(|(known, ..)| *known == name), "{name}");
                    loaded += 1;
                }
            }
        }
        assert!(loaded > 20, "{loaded}");
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere_and_no_text_becomes_markup() {
        for (name, _, text) in FILES {
            for unsafe_word in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                assert!(!text.contains(unsafe_word), "{name} has {unsafe_word}");
            }
            let addresses = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!addresses.contains("http://") && !addresses.contains("https://"), "{name}");
        }
        assert!(!INDEX.contains("<script>") && !INDEX.contains(" style="), "the policy refuses it");
    }
}
