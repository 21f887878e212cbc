//! What a new binding takes over from, and when it is known what is served.

use super::world::{Ending, World, owner, team};
use crate::effect::Effect;
use crate::event::Event;
use leadsman_model::owner::Owner;
use leadsman_provider::snapshot::NotLoaded;

/// What the binding of an owner's document that is under way takes over from.
fn before(world: &World, of: &Owner) -> Option<String> {
    let bindings = world.pending.iter().filter_map(|effect| match effect {
        Effect::Bind(binding) if binding.owner == *of => Some(binding.before.clone()),
        _ => None,
    });
    let bindings: Vec<_> = bindings.collect();
    assert_eq!(bindings.len(), 1, "one binding is under way: {:?}", world.pending);
    bindings[0].clone()
}

/// Ends what is under way up to the next binding.
fn until_bound(world: &mut World) {
    for _ in 0..100 {
        let others = world.find(|effect| !matches!(effect, Effect::Bind(_)));
        let Some(&first) = others.first() else { return };
        world.finish(first, Ending::Well);
    }
    panic!("work without end: {:?}", world.pending);
}

#[test]
fn an_edit_takes_over_from_what_is_served() {
    let mut world = World::running("depth");
    world.operator("depth width");
    until_bound(&mut world);
    assert_eq!(before(&world, &Owner::Operator).as_deref(), Some("depth"));
    assert_eq!(world.served(&Owner::Operator), Some("depth"), "until it is bound");
    world.settle();
    assert_eq!(world.served(&Owner::Operator), Some("depth width"));
}

#[test]
fn faulty_edits_in_between_lose_nothing() {
    let mut world = World::running("depth");
    for faulty in ["depth !", "width !", "!"] {
        world.operator(faulty);
        world.settle();
        assert_eq!(world.served(&Owner::Operator), Some("depth"), "{faulty}");
    }
    world.operator("depth width");
    until_bound(&mut world);
    assert_eq!(before(&world, &Owner::Operator).as_deref(), Some("depth"));
}

#[test]
fn edits_in_quick_succession_take_over_from_the_one_that_is_served() {
    let mut world = World::running("depth");
    world.operator("depth width");
    until_bound(&mut world);
    // The next edit comes while that one is being bound.
    world.operator("depth height");
    until_bound(&mut world);
    let first = world.find(|effect| matches!(effect, Effect::Bind(_)));
    assert_eq!(first.len(), 1, "an owner has one binding at a time");
    world.finish(first[0], Ending::Well);
    until_bound(&mut world);
    // Whichever of both was published is what the last one takes over from.
    let served = world.served(&Owner::Operator).map(str::to_owned);
    assert_eq!(before(&world, &Owner::Operator), served);
    world.settle();
    assert_eq!(world.served(&Owner::Operator), Some("depth height"));
}

#[test]
fn a_binding_that_panics_keeps_what_there_was_to_take_over() {
    let mut world = World::running("depth");
    world.operator("depth width");
    until_bound(&mut world);
    let binding = world.find(|effect| matches!(effect, Effect::Bind(_)));
    world.finish(binding[0], Ending::Panic);
    assert_eq!(world.served(&Owner::Operator), Some("depth"));
    world.operator("depth height");
    until_bound(&mut world);
    assert_eq!(before(&world, &Owner::Operator).as_deref(), Some("depth"));
}

#[test]
fn what_a_team_loses_is_not_taken_over_when_it_comes_back() {
    let mut world = World::running("depth team:a");
    let own = owner("a", "config");
    world.team(&team("a", "config", 1, "width"));
    world.settle();
    assert_eq!(world.served(&own), Some("width"));
    world.operator("depth");
    world.settle();
    assert_eq!(world.served(&own), None);
    world.operator("depth team:a");
    until_bound(&mut world);
    let operators = world.find(|effect| match effect {
        Effect::Bind(binding) => binding.owner == Owner::Operator,
        _ => false,
    });
    for number in operators.into_iter().rev() {
        world.finish(number, Ending::Well);
    }
    until_bound(&mut world);
    assert_eq!(before(&world, &own), None);
}

/// Why no configuration is in force.
fn refused(world: &World) -> String {
    match world.published().not_loaded() {
        Some(NotLoaded::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_served_is_not_known_before_the_first_document_is_in_force() {
    let mut world = World::new();
    world.event(Event::GraceOver);
    assert!(refused(&world).contains("Unreadable"), "it was not seen");
    world.operator("depth !");
    world.settle();
    assert!(refused(&world).contains("ConfigInvalid"), "it has faults");
    world.operator("depth");
    world.settle();
    assert_eq!(world.published().not_loaded(), None);
    // What was served before goes on, so it is known what there is.
    world.operator("width !");
    world.settle();
    assert_eq!(world.published().not_loaded(), None);
}

#[test]
fn an_empty_document_is_one_that_is_in_force() {
    let mut world = World::new();
    world.operator("");
    world.settle();
    assert_eq!(world.published().not_loaded(), None);
}
