//! How an NSX ALB controller answers a login: the status on the first line, a header `Set-Cookie` on
//! each line up to an empty one, and the body.
#![no_main]

use leadsman_source::nsx_alb_login;

/// More than all cookies that are kept, each with its longest name and value.
const MOST_COOKIES: usize = 20 * 8200;

/// More than the longest message.
const MOST_TOLD: usize = 4000;

libfuzzer_sys::fuzz_target!(|answer: &[u8]| {
    let end = answer.windows(2).position(|two| two == b"\n\n").unwrap_or(answer.len());
    let (head, body) = answer.split_at(end);
    let mut lines = head.split(|&byte| byte == b'\n');
    let status = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.parse().ok());
    let cookies: Vec<_> = lines.collect();
    match nsx_alb_login(status.unwrap_or(200), &cookies, body) {
        // What is sent back adds no header, and has a bound.
        Ok((cookie, version)) => {
            assert!(cookie.len() <= MOST_COOKIES);
            assert!(!cookie.iter().any(|byte| matches!(byte, b'\r' | b'\n')));
            let version = version.unwrap_or_default();
            assert!(version.len() <= 64 && !version.contains(char::is_control), "{version:?}");
        }
        // It is a line of a log, and of an autoscaler's condition.
        Err(reported) => {
            assert!(
                reported.len() <= MOST_TOLD && !reported.contains(char::is_control),
                "{reported:?}"
            );
        }
    }
});
