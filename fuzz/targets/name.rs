//! Names of namespaces, metrics and kinds of objects.
#![no_main]

use leadsman_model::names::{MetricName, Namespace, is_dns_label};
use leadsman_model::resource::Resource;

libfuzzer_sys::fuzz_target!(|text: &str| {
    assert_eq!(text.parse::<Namespace>().is_ok(), is_dns_label(text));
    if let Ok(metric) = text.parse::<MetricName>() {
        assert_eq!(metric.as_str(), text);
        // One segment of a path.
        let path = format!("/apis/group/version/{text}");
        assert_eq!(path.split(['/', '?', '#']).count(), 5);
    }
    for resource in [Resource::known(text), Resource::custom(text, None)].into_iter().flatten() {
        assert!(resource.answers_to(text) || resource.details().is_none(), "{resource}");
        assert!(resource.answers_to(&resource.to_string()), "{resource}");
    }
});
