//! Quotas and metrics: who has a right to what depends on ages alone.

use super::world::{Ending, World, conflicts, owner, team};
use crate::effect::Effect;
use leadsman_model::owner::Owner;

#[test]
fn a_quota_is_given_by_age_and_not_by_name_nor_by_who_is_read_first() {
    let (elder, younger) = (owner("a", "z"), owner("a", "b"));
    for younger_first in [false, true] {
        let mut world = World::running("team:a team:other");
        world.teams(&[team("a", "b", 2, "*40"), team("a", "z", 1, "*40")]);
        while !world.pending.is_empty() {
            let of_younger = world.find(|effect| match effect {
                Effect::Parse { owner, .. } => *owner == younger,
                Effect::Bind(binding) => binding.owner == younger,
                _ => false,
            });
            let number = of_younger.first().copied().filter(|_| younger_first).unwrap_or(0);
            world.finish(number, Ending::Well);
            assert_eq!(world.served(&younger), None, "only 10 of its 40 are left");
        }
        assert_eq!(world.served(&elder), Some("*40"));
        let reported = world.rejections(&younger).join("\n");
        assert!(reported.contains("40 mappings; the operator gives a 10"), "{reported}");
        // A stranger's edit changes nothing for either.
        let before = world.published().clone();
        world.team(&team("other", "config", 3, "depth"));
        world.settle();
        for owner in [&elder, &younger] {
            let was = before.contributions.iter().find(|one| one.owner == *owner);
            assert_eq!(world.contribution(owner), was);
        }
    }
}

#[test]
fn what_an_elder_gives_up_is_there_for_the_younger_and_what_it_takes_is_gone() {
    let (elder, younger) = (owner("a", "elder"), owner("a", "younger"));
    let mut world = World::running("team:a");
    world.teams(&[team("a", "elder", 1, "*10"), team("a", "younger", 2, "*30")]);
    world.settle();
    assert_eq!(world.served(&younger), Some("*30"));
    // It keeps its last good version while its newest one does not fit.
    world.team(&team("a", "younger", 2, "*45"));
    world.settle();
    assert_eq!(world.served(&younger), Some("*30"));
    assert!(world.rejections(&younger)[0].contains("45 mappings; the operator gives a 40"));
    world.team(&team("a", "elder", 1, "*30"));
    world.settle();
    assert_eq!((world.served(&elder), world.served(&younger)), (Some("*30"), None));
    world.team(&team("a", "elder", 1, "*5"));
    world.settle();
    assert_eq!((world.served(&elder), world.served(&younger)), (Some("*5"), Some("*45")));
    assert_eq!(world.rejections(&younger), [""; 0]);
}

#[test]
fn a_metric_belongs_to_the_operator_then_to_the_elder_of_a_namespace() {
    let mut world = World::running("height team:a team:b");
    world.teams(&[
        team("a", "1-younger", 5, "depth width"),
        team("a", "2-elder", 4, "depth height"),
        team("b", "config", 6, "depth"),
    ]);
    world.settle();
    let expected = [
        (owner("a", "1-younger"), 0, owner("a", "2-elder")),
        (owner("a", "2-elder"), 1, Owner::Operator),
    ];
    assert_eq!(conflicts(world.published()), expected.into());
    world.config(crate::watch_config::ConfigEvent::TeamGone(owner("a", "2-elder")));
    assert_eq!(conflicts(world.published()), [].into(), "it takes over at once");
}

#[test]
fn a_document_with_faults_and_no_good_version_takes_nothing_from_anybody() {
    let mut world = World::running("team:a");
    world.teams(&[team("a", "elder", 1, "depth !"), team("a", "younger", 2, "depth")]);
    world.settle();
    assert_eq!(world.served(&owner("a", "younger")), Some("depth"));
    assert_eq!(conflicts(world.published()), [].into());
}

#[test]
fn a_cached_document_keeps_its_age() {
    let mut before = World::running("team:a");
    before.teams(&[team("a", "elder", 1, "depth"), team("a", "younger", 2, "depth width")]);
    before.settle();
    let expected = conflicts(before.published());
    assert_eq!(expected.len(), 1);

    let mut world = World::new();
    world.cache = before.cache;
    world.operator("team:a");
    world.settle();
    world.event(crate::event::Event::GraceOver);
    world.settle();
    assert_eq!(world.all_served(), before_served(&["depth", "depth width"]));
    assert_eq!(conflicts(world.published()), expected);
}

fn before_served(texts: &[&str; 2]) -> std::collections::BTreeMap<Owner, String> {
    let [elder, younger] = texts.map(str::to_owned);
    [
        (Owner::Operator, "team:a".to_owned()),
        (owner("a", "elder"), elder),
        (owner("a", "younger"), younger),
    ]
    .into()
}

#[test]
fn a_namespace_with_too_many_documents_is_told_so_and_they_are_not_parsed() {
    let mut world = World::running("team:a");
    let documents: Vec<_> =
        (0..60).map(|age| team("a", &format!("n{age}"), age, &format!("m{age}"))).collect();
    world.teams(&documents);
    world.settle();
    assert_eq!(world.all_served().len(), 51, "the operator's and fifty");
    assert_eq!(world.parsed.get("m49"), Some(&1));
    assert_eq!(world.parsed.get("m50"), None);
    let reported = world.rejections(&owner("a", "n50")).join("\n");
    assert!(reported.contains("more than 50 documents"), "{reported}");
    // One that goes makes room.
    world.config(crate::watch_config::ConfigEvent::TeamGone(owner("a", "n3")));
    world.settle();
    assert_eq!(world.served(&owner("a", "n50")), Some("m50"));
    assert_eq!(world.served(&owner("a", "n51")), None);
}
