//! What counts as a load of a document: its end alone, once.

use super::world::{Ending, Plugins, World, operator, owner, team};
use crate::event::Event;
use crate::state::SeriesState;
use leadsman_model::owner::Owner;

#[test]
fn a_document_whose_plugins_are_loading_is_not_rejected() {
    let mut world = World::new();
    world.plugins = Plugins::Loading;
    world.operator("depth");
    world.settle();
    world.event(Event::GraceOver);
    world.settle();
    assert_eq!(world.loads(&Owner::Operator), [true; 0], "it is neither good nor bad yet");
    world.plugins_become(Plugins::Loaded, &Owner::Operator);
    assert_eq!(world.loads(&Owner::Operator), [true]);
    // An edit that names a plugin that is not there yet.
    world.plugins = Plugins::Loading;
    world.operator("depth width");
    world.settle();
    world.plugins_become(Plugins::Loaded, &Owner::Operator);
    assert_eq!(world.loads(&Owner::Operator), [true, true]);
}

#[test]
fn what_gives_the_same_again_is_no_other_load() {
    let mut world = World::running("depth");
    world.plugins_become(Plugins::Loaded, &Owner::Operator);
    world.operator("depth");
    world.event(Event::Resync);
    world.settle();
    assert_eq!(world.loads(&Owner::Operator), [true]);
    // A new version of a plugin is refused, twice, and mended.
    world.plugins_become(Plugins::Broken, &Owner::Operator);
    world.plugins_become(Plugins::Broken, &Owner::Operator);
    world.plugins_become(Plugins::Loaded, &Owner::Operator);
    assert_eq!(world.loads(&Owner::Operator), [true, false, true]);
}

#[test]
fn each_text_counts_once_also_if_it_is_the_same_as_before_the_last() {
    let mut world = World::running("depth");
    for text in ["width", "depth", "depth !", "height !", "depth"] {
        world.operator(text);
        world.settle();
    }
    assert_eq!(world.loads(&Owner::Operator), [true, true, true, false, false, true]);
}

#[test]
fn a_faulty_document_counts_once_whatever_is_bound_in_its_place() {
    for cached in [false, true] {
        let mut world = World::new();
        if cached {
            world.cache.insert(Owner::Operator, operator("depth"));
        }
        world.operator("width !");
        world.settle();
        assert_eq!(world.served(&Owner::Operator).is_some(), cached);
        assert_eq!(world.loads(&Owner::Operator), [false]);
    }
}

#[test]
fn a_cached_document_counts_beside_the_one_that_is_seen_later() {
    let mut world = World::new();
    world.cache.insert(Owner::Operator, operator("depth"));
    world.event(Event::GraceOver);
    world.settle();
    assert_eq!(world.loads(&Owner::Operator), [true]);
    world.operator("width !");
    world.settle();
    assert_eq!(world.loads(&Owner::Operator), [true, false]);
}

#[test]
fn a_load_that_panics_is_counted_as_rejected() {
    let mut world = World::running("depth");
    world.operator("width");
    world.finish(0, Ending::Panic);
    world.settle();
    assert_eq!(world.loads(&Owner::Operator), [true, false]);
}

#[test]
fn rules_whose_series_are_being_listed_are_not_loaded_yet() {
    let mut world = World::new();
    world.series = SeriesState::Pending;
    world.operator("depth");
    world.settle();
    assert_eq!(world.loads(&Owner::Operator), [true; 0]);
    // Each list binds the rules anew.
    for _ in 0..3 {
        world.event(Event::SeriesListed(SeriesState::Listed));
        world.settle();
    }
    assert_eq!(world.loads(&Owner::Operator), [true]);
}

#[test]
fn settings_that_concern_nobody_are_no_load_of_teams() {
    let mut world = World::running("team:a");
    let own = owner("a", "config");
    world.team(&team("a", "config", 1, "depth"));
    world.settle();
    world.operator("team:a width");
    world.settle();
    assert_eq!(world.loads(&own), [true]);
    assert_eq!(world.loads(&Owner::Operator), [true, true]);
}

#[test]
fn what_does_not_fit_the_quota_is_rejected() {
    let mut world = World::running("team:a");
    let own = owner("a", "config");
    for text in ["*40", "*60", "*50"] {
        world.team(&team("a", "config", 1, text));
        world.settle();
    }
    assert_eq!(world.loads(&own), [true, false, true]);
}
