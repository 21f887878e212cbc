//! Matches entries of a pull secret with an artifact, as the kubelet does.

use leadsman_model::reference::Reference;

/// The key of the entry for an artifact: the longest that matches.
pub(super) fn entry_for<'a>(
    keys: impl Iterator<Item = &'a String>,
    reference: &Reference,
) -> Option<&'a String> {
    keys.filter(|key| matches(key, reference)).max_by_key(|key| bare(key).len())
}

/// A key without its scheme and the version of the API that Docker once wrote behind the host.
fn bare(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key)
}

fn matches(key: &str, reference: &Reference) -> bool {
    let key = bare(key);
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let is_hub = reference.registry() == "docker.io";
    let same = host_matches(host, reference.registry())
        || is_hub && matches!(host, "index.docker.io" | "registry-1.docker.io");
    // A prefix of the text and not of its segments, as in the kubelet.
    same && reference.repository().starts_with(path)
}

/// Ports are the same or both not written; each label may have `*` and `?` in it.
fn host_matches(pattern: &str, host: &str) -> bool {
    let (pattern, port) = pattern.split_once(':').unwrap_or((pattern, ""));
    let (host, host_port) = host.split_once(':').unwrap_or((host, ""));
    let patterns = pattern.split('.');
    port == host_port
        && patterns.clone().count() == host.split('.').count()
        && patterns.zip(host.split('.')).all(|(pattern, label)| {
            label_matches(pattern.to_ascii_lowercase().as_bytes(), label.as_bytes())
        })
}

fn label_matches(pattern: &[u8], label: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    // Where the last star is and how much of the label it stands for.
    let mut star: Option<(usize, usize)> = None;
    while seen < label.len() {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at, seen));
                at += 1;
            }
            (Some(&wanted), _) if wanted == b'?' || wanted == label[seen] => {
                at += 1;
                seen += 1;
            }
            (_, Some((place, end))) => {
                star = Some((place, end + 1));
                at = place + 1;
                seen = end + 1;
            }
            _ => return false,
        }
    }
    pattern[at..].iter().all(|&rest| rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(keys: &'a [String], reference: &str) -> Option<&'a str> {
        entry_for(keys.iter(), &reference.parse().unwrap()).map(String::as_str)
    }

    #[test]
    fn entries_match_as_the_kubelet_matches_them() {
        for (key, matching, other) in [
            ("r.example", "r.example/a:1", "s.example/a:1"),
            ("R.example", "r.example/a:1", "r.example:5000/a:1"),
            ("r.example:5000", "r.example:5000/a:1", "r.example/a:1"),
            ("https://r.example", "r.example/a:1", "r.example:5000/a:1"),
            ("https://r.example/v1/", "r.example/a:1", "v1.example/a:1"),
            ("http://r.example/v2/", "r.example/a:1", "r.example.com/a:1"),
            ("r.example/team", "r.example/team/a:1", "r.example/other/a:1"),
            ("r.example/team/a", "r.example/team/a:1", "r.example/team/b:1"),
            ("*.example", "r.example/a:1", "a.r.example/a:1"),
            ("r*y.e?ample", "registry.example/a:1", "registries.example/a:1"),
            ("https://index.docker.io/v1/", "docker.io/a/b:1", "r.example/a:1"),
        ] {
            assert_eq!(find(&[key.to_owned()], matching), Some(key), "{matching}");
            assert_eq!(find(&[key.to_owned()], other), None, "{key}: {other}");
        }
    }

    #[test]
    fn the_longest_entry_decides() {
        let keys = ["r.example", "r.example/team/a", "r.example/team"].map(str::to_owned);
        assert_eq!(find(&keys, "r.example/team/a:1"), Some("r.example/team/a"));
        assert_eq!(find(&keys, "r.example/team/b:1"), Some("r.example/team"));
        assert_eq!(find(&keys, "r.example/b:1"), Some("r.example"));
    }

    #[test]
    fn many_stars_do_not_take_long() {
        assert!(!label_matches(
            "*a".repeat(30).as_bytes(),
            "a".repeat(63).replace("a", "b").as_bytes()
        ));
        assert!(label_matches(b"**a*", b"bbabb"));
        assert!(!label_matches(b"a", b""));
    }
}
