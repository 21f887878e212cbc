//! Generated sequences: what must hold whatever happens, in whatever order work ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;

use super::world::{Ending, World, conflicts, owner, team};
use crate::document::Document;
use crate::effect::Effect;
use crate::event::Event;
use crate::watch_config::ConfigEvent;
use leadsman_model::owner::Owner;

/// Something that happens, or a piece of work that ends.
#[derive(Debug, Clone)]
enum Act {
    Operator(&'static str),
    OperatorMissing,
    Team(usize, &'static str),
    TeamGone(usize),
    /// The watch begins anew, and lists what there is.
    Relist,
    GraceOver,
    Resync,
    Finish(Index),
    Panic(Index),
}

/// The teams' documents, as namespace, name and age: neither in the order of their names nor of
/// their numbers.
const TEAMS: [(&str, &str, i64); 5] =
    [("a", "z", 1), ("a", "m", 3), ("a", "c", 2), ("b", "x", 9), ("b", "a", 4)];

const OPERATORS: [&str; 5] =
    ["team:a team:b", "depth team:a team:b:s:30", "team:a", "team:a team:b !", "width"];

const TEXTS: [&str; 7] =
    ["depth", "depth width", "height *20", "*40", "width from:prometheus", "!", "depth !"];

fn document(number: usize, text: &str) -> Arc<Document> {
    let (namespace, name, created) = TEAMS[number];
    team(namespace, name, created, text)
}

fn owner_of(number: usize) -> Owner {
    let (namespace, name, _) = TEAMS[number];
    owner(namespace, name)
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let number = 0..TEAMS.len();
    let act = prop_oneof![
        2 => prop::sample::select(&OPERATORS[..]).prop_map(Act::Operator),
        1 => Just(Act::OperatorMissing),
        6 => (number.clone(), prop::sample::select(&TEXTS[..]))
            .prop_map(|(number, text)| Act::Team(number, text)),
        1 => number.prop_map(Act::TeamGone),
        1 => Just(Act::Relist),
        1 => Just(Act::GraceOver),
        1 => Just(Act::Resync),
        14 => any::<Index>().prop_map(Act::Finish),
        1 => any::<Index>().prop_map(Act::Panic),
    ];
    prop::collection::vec(act, 1..80)
}

/// The world, and what is known of it outside of the machine.
struct Play {
    world: World,
    /// The teams' documents as they are now.
    texts: BTreeMap<usize, &'static str>,
}

impl Play {
    fn new() -> Self {
        Self { world: World::running("team:a team:b"), texts: BTreeMap::new() }
    }

    fn act(&mut self, act: &Act) {
        let world = &mut self.world;
        match act {
            Act::Operator(text) => world.operator(text),
            Act::OperatorMissing => {
                world.config(ConfigEvent::Operator(Err("it is not there".to_owned())));
            }
            Act::Team(number, text) => {
                self.texts.insert(*number, text);
                world.team(&document(*number, text));
            }
            Act::TeamGone(number) => {
                self.texts.remove(number);
                world.config(ConfigEvent::TeamGone(owner_of(*number)));
            }
            Act::Relist => {
                let all: Vec<_> =
                    self.texts.iter().map(|(number, text)| document(*number, text)).collect();
                world.teams(&all);
            }
            Act::GraceOver => world.event(Event::GraceOver),
            Act::Resync => world.event(Event::Resync),
            Act::Finish(which) if !world.pending.is_empty() => {
                world.finish(which.index(world.pending.len()), Ending::Well);
            }
            Act::Panic(which) if !world.pending.is_empty() => {
                world.finish(which.index(world.pending.len()), Ending::Panic);
            }
            Act::Finish(_) | Act::Panic(_) => {}
        }
    }

    fn check(&self) {
        let World { pending, publications, .. } = &self.world;
        let mut seen = BTreeSet::new();
        let mut parses: BTreeMap<_, usize> = BTreeMap::new();
        for effect in pending {
            let key = match effect {
                Effect::Parse { owner, .. } => {
                    *parses.entry(owner.namespace()).or_default() += 1;
                    ("parse", owner.clone())
                }
                Effect::Bind(binding) => ("bind", binding.owner.clone()),
                Effect::CheckFiles { owner, .. } => ("files", owner.clone()),
                Effect::ApplySettings { .. } => ("settings", Owner::Operator),
                Effect::ReadTeamCache => ("cache", Owner::Operator),
                // One that is gone and comes again reads its cache anew.
                _ => continue,
            };
            assert!(seen.insert(key.clone()), "twice at once: {key:?}");
        }
        assert!(parses.values().all(|&count| count <= 1), "{parses:?}");
        let teams = parses.iter().filter(|(namespace, _)| namespace.is_some()).count();
        assert!(teams <= 2, "{parses:?}");
        if let [.., before, last] = &publications[..] {
            assert_ne!(before, last, "published twice unchanged");
        }
        for contribution in &self.world.published().contributions {
            if let Some(number) = (0..TEAMS.len()).find(|&one| owner_of(one) == contribution.owner)
            {
                assert!(self.texts.contains_key(&number), "gone: {:?}", contribution.owner);
            }
            for rejection in &contribution.rejections {
                assert!(!rejection.message.is_empty() && !rejection.faults.list.is_empty());
            }
        }
    }
}

/// Ends all work, in an order that the numbers choose.
fn settle(world: &mut World, order: &[Index]) {
    let mut order = order.iter().cycle();
    while !world.pending.is_empty() {
        let number = order.next().map_or(0, |which| which.index(world.pending.len()));
        world.finish(number, Ending::Well);
    }
}

/// What a namespace serves is within its limit.
fn assert_within_quota(world: &World) {
    let mut mappings: BTreeMap<String, usize> = BTreeMap::new();
    for (owner, document) in &world.state.documents {
        let (Some(namespace), Some(revision)) = (owner.namespace(), &document.in_force) else {
            continue;
        };
        let count = mappings.entry(namespace.to_string()).or_default();
        *count += revision.config.mappings.len();
        let limits = world.state.settings.policy.team(namespace).expect("it is open").limits;
        assert!(*count <= limits.mappings, "{mappings:?}");
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_bounds_hold(acts in acts()) {
        let mut play = Play::new();
        for act in &acts {
            play.act(act);
            play.check();
            assert_within_quota(&play.world);
        }
        settle(&mut play.world, &[]);
        play.check();
        // Everything has ended, and was told.
        prop_assert!(play.world.state.work.parsing.is_empty());
        prop_assert!(play.world.state.work.binding.is_empty());
        let last = play.world.state.publication();
        prop_assert_eq!(play.world.publications.last(), Some(&last));
    }

    #[test]
    fn failures_take_nothing_away(
        good in prop::collection::vec(prop::sample::select(&["depth", "width *5", "*9"][..]), 5),
        failures in prop::collection::vec(
            (0..TEAMS.len(), prop::sample::select(&["!", "depth !", "*99", "*40 !"][..]), any::<Index>()),
            0..40,
        ),
        others in prop::collection::vec(any::<Index>(), 0..60),
    ) {
        let mut play = Play::new();
        for (number, text) in good.iter().enumerate() {
            play.act(&Act::Team(number, text));
        }
        settle(&mut play.world, &[]);
        let served = play.world.all_served();
        prop_assert_eq!(served.len(), 1 + TEAMS.len());
        for (number, text, which) in failures {
            play.act(&Act::Team(number, text));
            play.act(&Act::OperatorMissing);
            play.act(&Act::Panic(which));
            play.act(&Act::Finish(which));
            play.act(&Act::Resync);
            prop_assert_eq!(&play.world.all_served(), &served);
        }
        settle(&mut play.world, &others);
        prop_assert_eq!(&play.world.all_served(), &served);
    }

    /// The same documents, in any order of arrival and of work: the same is served, and the same
    /// is told.
    #[test]
    fn what_is_served_depends_on_no_order(
        texts in prop::collection::vec(prop::sample::select(&TEXTS[..]), TEAMS.len()),
        operator in prop::sample::select(&OPERATORS[..3]),
        arrival in Just((0..TEAMS.len()).collect::<Vec<_>>()).prop_shuffle(),
        order in prop::collection::vec(any::<Index>(), 1..30),
    ) {
        let mut listed = World::running(operator);
        let all: Vec<_> = (0..TEAMS.len()).map(|number| document(number, texts[number])).collect();
        listed.teams(&all);
        settle(&mut listed, &[]);

        let mut one_by_one = World::running(operator);
        for number in arrival {
            one_by_one.team(&all[number]);
            if let Some(which) = order.get(number)
                && !one_by_one.pending.is_empty()
            {
                one_by_one.finish(which.index(one_by_one.pending.len()), Ending::Well);
            }
        }
        settle(&mut one_by_one, &order);
        prop_assert_eq!(listed.published(), one_by_one.published());
        prop_assert_eq!(conflicts(listed.published()), conflicts(one_by_one.published()));
    }
}
