//! Decisions over any course of values, and about any workload.

use super::*;
use proptest::prelude::*;

const SETTINGS: Settings = Settings {
    cooldown: Duration::from_secs(60),
    min_replicas: 1,
    every: Duration::from_secs(15),
    take_over: false,
};

fn unknown() -> Level {
    Level::Unknown("the source cannot be reached".to_owned())
}

/// What a course of levels leads to; each is so many seconds after the one before.
fn course(settings: &Settings, levels: &[(u64, Level)]) -> Vec<Intent> {
    let (mut now, mut state) = (Instant::now(), WorkloadState::default());
    let mut intents = Vec::new();
    for (after, level) in levels {
        now += Duration::from_secs(*after);
        let (next, intent) = state.after(settings, level, now);
        state = next;
        intents.push(intent);
    }
    intents
}

#[test]
fn a_workload_is_stopped_after_the_cooldown_and_started_at_once() {
    let low = |after| (after, Level::Low);
    let intents = course(
        &SETTINGS,
        &[low(0), low(15), low(15), low(15), low(14), low(1), low(15), (15, Level::Above)],
    );
    let left = |seconds| Intent::Hold(HoldReason::CoolingDown(Duration::from_secs(seconds)));
    let cooling = [60, 45, 30, 15, 1].map(left);
    assert_eq!(intents[..5], cooling);
    assert_eq!(intents[5..], [Intent::Stop, Intent::Stop, Intent::Start]);
}

#[test]
fn what_is_not_known_begins_the_cooldown_anew() {
    let low = |after| (after, Level::Low);
    let intents = course(&SETTINGS, &[low(0), low(45), (10, unknown()), low(15), low(45), low(15)]);
    assert!(
        matches!(&intents[2], Intent::Hold(HoldReason::Unknown(why)) if why.contains("reached"))
    );
    assert_eq!(intents[4], Intent::Hold(HoldReason::CoolingDown(Duration::from_secs(15))));
    assert_eq!(intents[5], Intent::Stop);
}

#[test]
fn a_pause_in_which_nobody_looked_begins_the_cooldown_anew() {
    let low = |after| (after, Level::Low);
    let intents = course(&SETTINGS, &[low(0), low(46), low(45), low(15)]);
    assert_eq!(intents[1], Intent::Hold(HoldReason::CoolingDown(Duration::from_secs(60))));
    assert_eq!(intents[3], Intent::Stop);
}

#[test]
fn what_was_seen_a_while_ago_is_looked_at_again() {
    let now = Instant::now();
    let at = |seconds| now + Duration::from_secs(seconds);
    for (runs, level, intent) in [
        (true, Level::Above, Intent::Hold(HoldReason::Runs)),
        (false, Level::Low, Intent::Hold(HoldReason::AtZero)),
    ] {
        let state = WorkloadState { low_since: Some(now), looked: Some(at(40)), seen: None };
        let state = state.seen(runs, at(60));
        assert_eq!(state.after(&SETTINGS, &level, at(70)).1, intent);
        assert_ne!(state.after(&SETTINGS, &level, at(121)).1, intent);
        // What is wanted now is not what was seen.
        let other = if runs { Level::Low } else { Level::Above };
        let wanted = state.after(&SETTINGS, &other, at(70)).1;
        assert_eq!(wanted, if runs { Intent::Stop } else { Intent::Start });
    }
}

fn found(replicas: u32) -> ObservedScale {
    ObservedScale { replicas, set_here: true, lowest: Some((1, "web".to_owned())) }
}

#[test]
fn one_to_many_replicas_are_the_autoscalers_business() {
    let stop = |replicas| decide(false, &SETTINGS, &found(replicas));
    assert_eq!(stop(1), Action::Scale(0));
    assert_eq!(stop(2), Action::Leave(LeaveReason::Autoscaler(2)));
    assert_eq!(stop(0), Action::Leave(LeaveReason::AtZero));
    let start = |replicas| decide(true, &SETTINGS, &found(replicas));
    assert_eq!(start(0), Action::Scale(1));
    assert_eq!(start(1), Action::Leave(LeaveReason::Runs));
    // An autoscaler that keeps more than one never leaves one.
    let more = ObservedScale { lowest: Some((3, "web".to_owned())), ..found(3) };
    assert_eq!(decide(false, &SETTINGS, &more), Action::Scale(0));
    // Without an autoscaler.
    let alone = ObservedScale { lowest: None, ..found(1) };
    assert_eq!(decide(false, &SETTINGS, &alone), Action::Scale(0));
}

#[test]
fn a_zero_of_somebody_else_is_left_alone_unless_it_is_taken_over() {
    let by_hand = ObservedScale { set_here: false, ..found(0) };
    assert_eq!(decide(true, &SETTINGS, &by_hand), Action::Leave(LeaveReason::SetByOthers));
    let take_over = Settings { take_over: true, min_replicas: 2, ..SETTINGS };
    assert_eq!(decide(true, &take_over, &by_hand), Action::Scale(2));
}

fn level() -> impl Strategy<Value = Level> {
    prop_oneof![
        1 => Just(Level::Above),
        6 => Just(Level::Low),
        1 => Just(unknown()),
    ]
}

proptest! {
    #[test]
    fn nothing_is_stopped_unless_all_of_the_cooldown_was_seen_to_be_low(
        levels in prop::collection::vec((0_u64..60, level()), 0..60),
        cooldown in 1_u64..300,
        every in 1_u64..30,
    ) {
        let (cooldown, every) = (Duration::from_secs(cooldown), Duration::from_secs(every));
        let settings = Settings { cooldown, every, ..SETTINGS };
        let intents = course(&settings, &levels);
        for (at, intent) in intents.iter().enumerate() {
            if *intent != Intent::Stop {
                continue;
            }
            // Back from here, without a gap, until the cooldown is covered.
            let mut covered = Duration::ZERO;
            for number in (0..=at).rev() {
                prop_assert_eq!(&levels[number].1, &Level::Low);
                if covered >= cooldown {
                    break;
                }
                let gap = Duration::from_secs(levels[number].0);
                prop_assert!(number > 0 && gap <= every * MAX_INTERVALS_UNSEEN);
                covered += gap;
            }
            prop_assert!(covered >= cooldown);
        }
    }

    #[test]
    fn what_is_not_known_changes_nothing(
        levels in prop::collection::vec((0_u64..60, level()), 1..60),
    ) {
        for ((_, level), intent) in levels.iter().zip(course(&SETTINGS, &levels)) {
            match level {
                Level::Unknown(_) => prop_assert!(matches!(intent, Intent::Hold(HoldReason::Unknown(_)))),
                Level::Above => prop_assert_eq!(intent, Intent::Start),
                Level::Low => prop_assert_ne!(intent, Intent::Start),
            }
        }
    }

    #[test]
    fn a_workload_is_taken_from_few_to_zero_and_from_zero_to_few_alone(
        start: bool,
        replicas in 0_u32..10,
        set_here: bool,
        take_over: bool,
        min_replicas in 1_u32..5,
        lowest in prop::option::of(0_u32..6),
    ) {
        let settings = Settings { min_replicas, take_over, ..SETTINGS };
        let lowest = lowest.map(|lowest| (lowest, "web".to_owned()));
        let found = ObservedScale { replicas, set_here, lowest: lowest.clone() };
        let least = lowest.as_ref().map(|(least, _)| *least);
        if let Action::Scale(to) = decide(start, &settings, &found) {
            prop_assert_ne!(least, Some(0), "an autoscaler to zero is in charge");
            if start {
                prop_assert_eq!((replicas, to), (0, min_replicas));
                prop_assert!(set_here || take_over);
            } else {
                prop_assert_eq!(to, 0);
                prop_assert!(replicas >= 1 && replicas <= min_replicas.max(least.unwrap_or(0)));
            }
        }
    }
}
