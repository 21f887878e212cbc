//! Results for a CI, in the XML that JUnit has made common.

use std::fmt::Write as _;

use leadsman_control::FixtureOutcome;

use super::native::{Native, NativeOutcome};

/// The report of a plugin's fixtures, and of its project's own tests.
pub(super) fn junit(plugin: &str, outcomes: &[FixtureOutcome], native: Option<&Native>) -> String {
    let failures = outcomes.iter().filter(|outcome| outcome.reason.is_some()).count();
    let time: f64 = outcomes.iter().map(|outcome| outcome.time.as_secs_f64()).sum();
    let (plugin, count) = (Escaped(plugin), outcomes.len());
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "  <testsuite name=\"{plugin}\" tests=\"{count}\" failures=\"{failures}\" errors=\"0\" \
         time=\"{time:.6}\">"
    );
    for FixtureOutcome { name, time, reason, .. } in outcomes {
        let (name, time) = (Escaped(name), time.as_secs_f64());
        let case =
            format!("    <testcase classname=\"{plugin}\" name=\"{name}\" time=\"{time:.6}\"");
        write_case(&mut text, &case, "failure", reason.as_ref());
    }
    text.push_str("  </testsuite>\n");
    if let Some(native) = native {
        write_native(&mut text, plugin, native);
    }
    text.push_str("</testsuites>\n");
    text
}

/// The fixtures as the project's own tests ran them, and these tests as a whole, in one case: what else they
/// did is in the output of their own tool. How long each took alone is not known.
fn write_native(text: &mut String, plugin: Escaped<'_>, native: &Native) {
    let Native { outcome, time, fixtures } = native;
    let (whole, skipped) = match outcome {
        NativeOutcome::Passed(_) => (None, None),
        NativeOutcome::Failed(reason) => (Some(reason), None),
        NativeOutcome::NotRun(reason) => (None, Some(reason)),
    };
    let failed = fixtures.values().filter(|came| came.reason.is_some()).count();
    let (tests, failures) = (fixtures.len() + 1, failed + usize::from(whole.is_some()));
    let (skips, time) = (u8::from(skipped.is_some()), time.as_secs_f64());
    let _ = writeln!(
        text,
        "  <testsuite name=\"{plugin} natively\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" \
         skipped=\"{skips}\" time=\"{time:.6}\">"
    );
    for (name, came) in fixtures {
        let name = Escaped(name);
        let case = format!("    <testcase classname=\"{plugin} natively\" name=\"{name}\"");
        write_case(text, &case, "failure", came.reason.as_ref());
    }
    let case = format!("    <testcase classname=\"{plugin}\" name=\"natively\" time=\"{time:.6}\"");
    match skipped {
        Some(_) => write_case(text, &case, "skipped", skipped),
        None => write_case(text, &case, "failure", whole),
    }
    text.push_str("  </testsuite>\n");
}

/// A case that passed, unless there is a reason why it did not.
fn write_case(text: &mut String, case: &str, instead: &str, reason: Option<&String>) {
    let _ = match reason {
        None => writeln!(text, "{case}/>"),
        Some(reason) => {
            let reason = Escaped(reason);
            writeln!(text, "{case}>\n      <{instead} message=\"{reason}\"/>\n    </testcase>")
        }
    };
}

/// A text as the value of an attribute. XML has no way to write most control characters.
#[derive(Clone, Copy)]
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for sign in self.0.chars() {
            match sign {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\n' => f.write_str("&#10;")?,
                '\t' => f.write_str("&#9;")?,
                '\u{fffe}' | '\u{ffff}' => f.write_char(char::REPLACEMENT_CHARACTER)?,
                sign if sign.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                sign => f.write_char(sign)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use serde_json::Value;

    use super::super::native::NativeFixture;
    use super::*;

    #[test]
    fn a_report_counts_and_escapes() {
        let outcome = |name: &str, reason: Option<&str>| FixtureOutcome {
            name: name.to_owned(),
            time: Duration::from_micros(1500),
            reason: reason.map(str::to_owned),
            expected: Value::Null,
            found: None,
        };
        let outcomes = [outcome("good", None), outcome("bad", Some("\"x\" < 1\u{1b}\n"))];
        let natively =
            |outcome, fixtures| Native { outcome, time: Duration::from_millis(2), fixtures };
        let came =
            |reason: Option<&str>| NativeFixture { reason: reason.map(str::to_owned), found: None };
        let fixtures = BTreeMap::from([
            ("bad".to_owned(), came(Some("expected <1>"))),
            ("good".to_owned(), came(None)),
        ]);
        let failed = natively(NativeOutcome::Failed("`npm test` failed".to_owned()), fixtures);
        let text = junit("a&b", &outcomes, Some(&failed));
        for line in [
            r#"<testsuite name="a&amp;b" tests="2" failures="1" errors="0" time="0.003000">"#,
            r#"<testcase classname="a&amp;b" name="good" time="0.001500"/>"#,
            "<failure message=\"&quot;x&quot; &lt; 1\u{fffd}&#10;\"/>",
            r#"<testsuite name="a&amp;b natively" tests="3" failures="2" errors="0" skipped="0" time="0.002000">"#,
            r#"<testcase classname="a&amp;b natively" name="good"/>"#,
            r#"<failure message="expected &lt;1&gt;"/>"#,
            r#"<failure message="`npm test` failed"/>"#,
        ] {
            assert!(text.contains(line), "{text}");
        }
        let passed = natively(NativeOutcome::Passed("npm test".to_owned()), BTreeMap::new());
        let text = junit("a", &outcomes, Some(&passed));
        assert!(
            text.contains(r#"<testcase classname="a" name="natively" time="0.002000"/>"#),
            "{text}"
        );
        let not_run = NativeOutcome::NotRun("there is no npm".to_owned());
        let text = junit("a", &outcomes, Some(&natively(not_run, BTreeMap::new())));
        assert!(text.contains(r#"<skipped message="there is no npm"/>"#), "{text}");
        assert!(text.contains(r#"tests="1" failures="0" errors="0" skipped="1""#), "{text}");
        assert!(!junit("a", &outcomes, None).contains("natively"));
    }
}
