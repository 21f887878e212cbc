//! The start: what is waited for, and what stands in for it.

use super::world::{World, operator, owner, team};
use crate::effect::{Effect, Notice};
use crate::event::Event;
use crate::watch_config::ConfigEvent;
use leadsman_cluster::WatchFailure;
use leadsman_model::owner::Owner;

#[test]
fn nothing_is_published_before_everything_was_loaded_once() {
    let mut world = World::new();
    world.operator("depth team:a");
    world.settle();
    assert!(world.publications.is_empty(), "teams are not known yet");
    assert!(world.done.iter().any(|effect| matches!(effect, Effect::WatchTeams)));
    world.teams(&[team("a", "config", 1, "width")]);
    assert!(world.publications.is_empty() && !world.is_loaded());
    world.settle();
    assert!(world.is_loaded());
    assert_eq!(world.publications.len(), 1);
    assert_eq!(world.served(&owner("a", "config")), Some("width"));
}

#[test]
fn after_the_grace_period_what_is_there_is_served() {
    let mut world = World::new();
    world.operator("depth team:a");
    world.settle();
    world.event(Event::GraceOver);
    world.settle();
    assert!(world.is_loaded());
    assert_eq!(world.served(&Owner::Operator), Some("depth team:a"));
}

#[test]
fn cached_documents_stand_in_for_those_that_cannot_be_seen_and_end_with_them() {
    let mut world = World::new();
    world.cache.insert(Owner::Operator, operator("depth team:a team:b"));
    world.cache.insert(owner("a", "config"), team("a", "config", 1, "width"));
    world.cache.insert(owner("b", "config"), team("b", "config", 1, "height"));
    world.event(Event::GraceOver);
    world.settle();
    assert_eq!(world.all_served().len(), 3);
    assert!(world.rejections(&Owner::Operator)[0].contains("has not been seen yet"));
    let restored = world.notices().into_iter();
    assert_eq!(restored.filter(|notice| matches!(notice, Notice::Restored(_))).count(), 3);
    // What was deleted meanwhile, and what was taken away, does not come back.
    world.operator("depth team:a");
    world.teams(&[]);
    world.settle();
    assert_eq!(world.all_served(), [(Owner::Operator, "depth team:a".to_owned())].into());
    assert_eq!(world.cache.len(), 1);
}

#[test]
fn a_faulty_document_at_the_start_is_replaced_by_the_cached_one() {
    let mut world = World::new();
    world.cache.insert(Owner::Operator, operator("depth"));
    world.operator("width !");
    world.settle();
    assert_eq!(world.served(&Owner::Operator), Some("depth"));
    assert!(world.is_loaded());
    // What was faulty has not taken its place.
    assert_eq!(world.cache[&Owner::Operator].text, "depth");
}

#[test]
fn without_a_cached_document_faults_are_reported_and_nothing_is_served() {
    let mut world = World::new();
    world.operator("width !");
    world.settle();
    assert!(world.is_loaded());
    assert_eq!(world.served(&Owner::Operator), None);
    let contribution = world.contribution(&Owner::Operator).expect("it was bound all the same");
    assert_eq!(contribution.product.as_deref(), Some("width !"), "to find all of its faults");
}

#[test]
fn teams_that_may_not_be_followed_are_told_of() {
    let mut world = World::new();
    world.operator("depth team:a");
    world.settle();
    let unseen = WatchFailure { forbidden: true, reason: "no right".to_owned() };
    world.config(ConfigEvent::TeamsUnreachable(unseen.clone()));
    world.event(Event::GraceOver);
    world.settle();
    assert!(world.published().teams_fault.is_some());
    world.teams(&[]);
    assert!(world.published().teams_fault.is_none());
    // One that had begun is only interrupted.
    world.config(ConfigEvent::TeamsUnreachable(unseen));
    assert!(world.published().teams_fault.is_none());
}
