//! Decides what replaces a mapping or metric in use when its configuration changes: the new version if it
//! can be bound, and the present one otherwise.

use std::collections::BTreeMap;

use leadsman_document::Fault;

/// What serves from now on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Renewal<T> {
    /// What serves now: it is made of the same.
    Same,
    /// The new version.
    New(T),
    /// What serves now, as the new version cannot be bound.
    Refused,
}

/// Binds the new version of what is made of `before`, unless it is made of the same, or another one
/// of its place in the document was `refused` in this pass.
pub(super) fn renew<S: PartialEq, T>(
    place: &str,
    before: &S,
    now: &S,
    refused: &mut BTreeMap<String, Vec<Fault>>,
    bind: impl FnOnce(&S) -> Result<T, Vec<Fault>>,
) -> Renewal<T> {
    if before == now {
        return Renewal::Same;
    }
    if refused.contains_key(place) {
        return Renewal::Refused;
    }
    match bind(now) {
        Ok(new) => Renewal::New(new),
        Err(faults) => {
            refused.insert(place.to_owned(), faults);
            Renewal::Refused
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_goes_on_while_its_new_version_cannot_be_bound() {
        let mut refused = BTreeMap::new();
        let mut tried = Vec::new();
        let mut renewed = |place: &str, before: u32, now: u32| {
            renew(place, &before, &now, &mut refused, |&version| {
                tried.push(version);
                if version == 13 { Err(vec![Fault::at("", "bad luck")]) } else { Ok(version) }
            })
        };
        assert_eq!(renewed("a", 1, 1), Renewal::Same);
        assert_eq!(renewed("a", 1, 2), Renewal::New(2));
        assert_eq!(renewed("b", 1, 13), Renewal::Refused);
        // Another metric of the rule is not tried any more, and one of another rule is.
        assert_eq!(renewed("b", 1, 13), Renewal::Refused);
        assert_eq!(renewed("b", 1, 1), Renewal::Same);
        assert_eq!(renewed("c", 1, 2), Renewal::New(2));
        assert_eq!(tried, [2, 13, 2]);
        assert_eq!(refused["b"][0].message, "bad luck");
        assert_eq!(refused.len(), 1);
    }
}
