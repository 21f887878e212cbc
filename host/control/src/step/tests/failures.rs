//! What fails: it is reported with its owner, keeps what was served, and delays nobody else.

use super::world::{Ending, World, owner, team};
use crate::effect::{Effect, Notice};
use crate::event::Event;
use crate::watch_config::ConfigEvent;
use leadsman_model::owner::Owner;

#[test]
fn a_faulty_document_keeps_the_last_good_one_and_is_not_parsed_again() {
    let mut world = World::running("depth");
    world.operator("depth ! once");
    world.settle();
    assert_eq!(world.served(&Owner::Operator), Some("depth"));
    assert!(world.rejections(&Owner::Operator)[0].starts_with("ConfigInvalid: "));
    let published = world.publications.len();
    for _ in 0..5 {
        world.event(Event::Resync);
        world.operator("depth ! once");
        world.settle();
    }
    assert_eq!(world.parsed["depth ! once"], 1);
    assert_eq!(world.publications.len(), published);
}

#[test]
fn a_faulty_document_is_parsed_again_when_a_file_that_it_names_has_changed() {
    let mut world = World::running("depth");
    world.operator("width ! file:/nowhere");
    world.settle();
    world.event(Event::Resync);
    let Some(Effect::CheckFiles { owner, revision, files }) = world.pending.pop() else {
        panic!("nobody looks at the file")
    };
    assert_eq!(files.len(), 1);
    world.event(Event::FilesChecked { owner: owner.clone(), revision, changed: false });
    assert!(world.pending.is_empty());
    world.event(Event::FilesChecked { owner, revision, changed: true });
    world.settle();
    assert_eq!(world.parsed["width ! file:/nowhere"], 2);
}

#[test]
fn a_panic_is_told_with_its_owner_and_keeps_what_was_served() {
    let mut world = World::running("team:a");
    world.teams(&[team("a", "config", 1, "depth")]);
    world.settle();
    let a = owner("a", "config");
    for (text, works) in [("width", "parsing"), ("height", "binding")] {
        world.team(&team("a", "config", 1, text));
        if works == "binding" {
            world.finish(0, Ending::Well);
        }
        world.finish(0, Ending::Panic);
        world.settle();
        assert_eq!(world.served(&a), Some("depth"));
        let reported = world.rejections(&a).join("\n");
        assert!(
            reported.starts_with("InternalError: ") && reported.contains("a fault of ours"),
            "{reported}"
        );
        let noticed = world.notices().into_iter().any(|notice| {
            matches!(notice, Notice::Panicked { owner, work, .. } if *owner == a && *work == works)
        });
        assert!(noticed, "{:?}", world.notices());
    }
    // The next change is a new attempt.
    world.team(&team("a", "config", 1, "weight"));
    world.settle();
    assert_eq!((world.served(&a), world.rejections(&a).len()), (Some("weight"), 0));
}

#[test]
fn teams_whose_documents_take_long_to_parse_delay_neither_the_operator_nor_others_for_long() {
    let mut world = World::running("team:slow-a team:slow-b team:quick");
    let slow = |namespace: &str, number: usize| {
        team(namespace, &format!("n{number}"), 1, &format!("slow{number} !"))
    };
    let mut documents: Vec<_> = (0..12).map(|number| slow("slow-a", number)).collect();
    documents.extend((0..12).map(|number| slow("slow-b", number)));
    world.teams(&documents);
    assert_eq!(world.parsing().len(), 2, "one for each of the two namespaces");
    // The operator's waits for none of them.
    world.operator("depth team:slow-a team:slow-b team:quick");
    let operator = world
        .find(|effect| matches!(effect, Effect::Parse { owner, .. } if *owner == Owner::Operator));
    world.finish(operator[0], Ending::Well);
    // A third namespace has its turn when one of them ends, before the eleven others of it.
    world.team(&team("quick", "config", 1, "width"));
    let slow = world.find(|effect| matches!(effect, Effect::Parse { .. }));
    world.finish(slow[0], Ending::Well);
    assert!(world.parsing().contains(&owner("quick", "config")), "{:?}", world.parsing());
}

#[test]
fn what_is_taken_from_a_team_ends_whatever_it_wrote_last() {
    let mut world = World::running("team:a:shop");
    let a = owner("a", "config");
    world.teams(&[team("a", "config", 1, "depth from:shop")]);
    world.settle();
    world.team(&team("a", "config", 1, "depth !"));
    world.settle();
    assert_eq!(world.served(&a), Some("depth from:shop"));
    world.operator("team:a:other");
    world.settle();
    assert_eq!(world.served(&a), None);
    // More that is opened takes nothing away.
    world.team(&team("a", "config", 1, "width from:other"));
    world.settle();
    world.team(&team("a", "config", 1, "width !"));
    world.operator("team:a:other:60");
    world.settle();
    assert_eq!(world.served(&a), Some("width from:other"));
    world.operator("");
    world.settle();
    assert_eq!(world.served(&a), None);
    assert!(world.rejections(&a)[0].starts_with("NotAllowed: "));
}

#[test]
fn what_comes_while_a_binding_runs_is_bound_after_it() {
    let mut world = World::running("depth");
    world.operator("width");
    world.finish(0, Ending::Well);
    world.finish(0, Ending::Well);
    assert!(matches!(&world.pending[..], [Effect::Bind(_)]), "{:?}", world.pending);
    world.operator("height");
    world.finish(1, Ending::Well);
    let bindings = world.find(|effect| matches!(effect, Effect::Bind(_)));
    assert_eq!(bindings.len(), 1, "one at a time");
    world.settle();
    assert_eq!(world.served(&Owner::Operator), Some("height"));
    let texts: Vec<_> = world.publications.iter().map(|one| one.contributions.clone()).collect();
    assert!(texts.iter().flatten().all(|one| one.product.as_deref() != Some("width")));
}

#[test]
fn a_document_that_is_deleted_and_made_again_is_another_one() {
    let mut world = World::running("team:a");
    let a = owner("a", "config");
    world.teams(&[team("a", "config", 1, "depth")]);
    world.finish(0, Ending::Well);
    world.config(ConfigEvent::TeamGone(a.clone()));
    world.team(&team("a", "config", 2, "width"));
    let bindings = world.find(|effect| matches!(effect, Effect::Bind(_)));
    world.finish(bindings[0], Ending::Well);
    assert_eq!(world.served(&a), None, "the result is of the one that is gone");
    world.settle();
    assert_eq!(world.served(&a), Some("width"));
}
