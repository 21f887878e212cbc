//! JSON pointers: the position of a value in a document.

/// A key, escaped as a segment of a pointer.
pub fn segment(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A pointer in readable form: `mappings[3].queries.rate`.
pub fn written(pointer: &str) -> String {
    let mut place = String::new();
    for segment in pointer.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            place.push_str(&format!("[{segment}]"));
        } else {
            if !place.is_empty() {
                place.push('.');
            }
            place.push_str(&segment);
        }
    }
    place
}
