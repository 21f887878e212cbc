//! The text of a `/metrics` page.

/// All samples of a page.
#[derive(Debug, Clone, Default)]
pub struct Exposition(pub Vec<Sample>);

/// One line of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// The labels.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
}

impl Sample {
    /// The value of a label; empty if it is not set.
    pub fn label(&self, name: &str) -> &str {
        let found = self.labels.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

impl Exposition {
    /// Parses a page.
    ///
    /// # Panics
    /// If a line is neither a sample nor a comment.
    pub fn parse(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let parsed = samples
            .map(|line| sample(line).unwrap_or_else(|| panic!("this line is no sample: {line:?}")));
        Self(parsed.collect())
    }

    /// The sum of the samples with this name and at least these labels, if there are any.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let matching: Vec<f64> = self
            .0
            .iter()
            .filter(|sample| sample.name == name)
            .filter(|sample| labels.iter().all(|(label, value)| sample.label(label) == *value))
            .map(|sample| sample.value)
            .collect();
        (!matching.is_empty()).then(|| matching.iter().sum())
    }
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let name = line[..end].to_owned();
    let mut rest = &line[end..];
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.push((label.trim().to_owned(), value));
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &rest[1..];
    }
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name, labels, value })
}

/// The text up to the closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    loop {
        match characters.next()? {
            (at, '"') => return Some((value, &text[at + 1..])),
            (_, '\\') => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            (_, other) => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Exposition;

    #[test]
    fn parses_labels_with_special_characters() {
        let page = Exposition::parse(
            "# TYPE a counter\na{x=\"1\",y=\"}, \\\"\\n\"} 2\na{x=\"2\"} 3 1\nb 1e3\n",
        );
        assert_eq!(page.sum("a", &[]), Some(5.0));
        assert_eq!(page.sum("a", &[("x", "1")]), Some(2.0));
        assert_eq!(page.sum("a", &[("x", "3")]), None);
        assert_eq!(page.sum("b", &[]), Some(1000.0));
        assert_eq!(page.0[0].label("y"), "}, \"\n");
    }
}
