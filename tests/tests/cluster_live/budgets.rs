//! Quotas and budgets of a namespace.

use super::*;

/// How long others may wait beside a team that is over its budget, at the 99th percentile.
const OTHERS_WAIT: Duration = Duration::from_secs(3);

#[tokio::test]
async fn exceeded_quotas_are_reported() {
    let site = Site::new("counted").await;
    let opened = "namespaces: [counted-a], sources: [prometheus], \
                  limits: {mappings: 2, plugins: 1}";
    site.operator.write(site.config().team(opened)).await;
    let leadsman = site.start().await;
    let a = site.team("counted-a").await;
    let depth = paths::external("counted-a", "depth");
    let config = Config::new().mapping(external("depth", 1)).mapping(external("width", 2));
    a.write(config.clone().mapping(external("height", 3))).await;
    a.wait_event("ConfigInvalid", &["3 mappings", "gives counted-a 2"]).await;
    site.serves_not(&leadsman, &depth).await;
    a.write(&config).await;
    site.serves(&leadsman, &depth, "1").await;

    let hostile = std::fs::read(HOSTILE).expect("a component");
    let binary = a.clone().with_binary("one.wasm", &hostile);
    let two = config.clone().plugin("one", "one.wasm").plugin("two", "one.wasm");
    binary.write(two).await;
    a.wait_event("ConfigInvalid", &["2 plugins", "gives counted-a 1"]).await;
    site.serves(&leadsman, &depth, "1").await;

    // The ConfigMaps of a namespace share its quota; older ones have precedence.
    a.write(&config).await;
    wait_accepted(&leadsman, &a.owner()).await;
    let later = ConfigMap::of_team(&site.plane.admin(), "counted-a", "more");
    later.write(Config::new().mapping(external("height", 3))).await;
    later.wait_event("ConfigInvalid", &["1 mappings", "gives counted-a 0"]).await;
    a.write(Config::new().mapping(external("depth", 1))).await;
    site.serves(&leadsman, &paths::external("counted-a", "height"), "3").await;
}

#[tokio::test]
async fn a_used_up_evaluation_budget_fails_only_its_own_reads() {
    let site = Site::new("budget").await;
    let limited = "namespaces: [budget-a], sources: [prometheus], \
                   limits: {evaluationsPerMinute: 3}";
    let opened = "namespaces: [budget-b], sources: [prometheus]";
    let config = site.config().team(limited).team(opened).mapping(external("all", 1));
    site.operator.write(config).await;
    let leadsman = site.start().await;
    let [a, b] = [site.team("budget-a").await, site.team("budget-b").await];
    // Each selector is an evaluation of its own.
    let depth = || external("depth", 2).set("maxAge", "100ms");
    a.write(Config::new().mapping(depth())).await;
    b.write(Config::new().mapping(depth())).await;
    site.serves(&leadsman, &paths::external("budget-b", "depth"), "2").await;
    site.serves(&leadsman, &paths::external("budget-a", "depth"), "2").await;
    let number = std::cell::Cell::new(0);
    let next = |namespace: &str| {
        number.set(number.get() + 1);
        let selector = format!("labelSelector=pod%21%3Dother-{}", number.get());
        format!("{}?{selector}", paths::external(namespace, "depth"))
    };
    let used_up = eventually("a budget that is used up", TIMEOUT, async || {
        let answer = site.read(&leadsman, &next("budget-a")).await;
        if answer.status == 429 { Ok(answer.failure()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    assert_eq!(used_up.reason, "TooManyRequests", "{used_up:?}");
    used_up.assert_contains(&["3 evaluations", "budget"]);
    for path in [next("budget-b"), next("budget-b"), paths::external("budget-a", "all")] {
        site.read(&leadsman, &path).await.ok();
    }
    let failures = [("reason", "budget")];
    let counted = leadsman.metric("leadsman_evaluation_failures_total", &failures).await;
    assert!(counted >= Some(1.0), "{counted:?}");
    // The page has what it may use and what it uses, and that it is spent; the other team's is not.
    let mut browser = Browser::open(&leadsman.page("/"), (1400, 1000)).await;
    eventually("the spent budget, on the page", TIMEOUT, async || {
        // What comes back meanwhile is used.
        site.read(&leadsman, &next("budget-a")).await;
        let of = |team: &str| {
            format!("(document.querySelector('[data-entry=\"team/{team}\"]')?.innerText ?? '')")
        };
        let rows = browser.value(&format!("[{}, {}]", of("budget-a"), of("budget-b"))).await;
        let [a, b] = [0_usize, 1].map(|at| rows[at].as_str().unwrap_or_default());
        let is_shown = a.contains("budget is spent")
            && a.contains("of 3 evaluations")
            && b.contains(" evaluations")
            && !b.contains("budget is spent");
        if is_shown { Ok(()) } else { Err(format!("{rows:#}")) }
    })
    .await;
    assert_eq!(browser.faults(), [""; 0]);

    // A higher limit takes effect at once.
    let more = limited.replace(": 3", ": 6000");
    site.operator.write(site.config().team(&more).team(opened).mapping(external("all", 1))).await;
    eventually("a budget that is there", TIMEOUT, async || {
        let answer = site.read(&leadsman, &next("budget-a")).await;
        if answer.is_success() { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
}

#[tokio::test]
async fn a_team_takes_no_more_plugin_time_than_it_has() {
    let site = Site::new("slow").await;
    let limited = "namespaces: [slow-a], sources: [prometheus], \
                   limits: {pluginTimePerMinute: 2s}";
    let hostile = std::fs::read(HOSTILE).expect("a component");
    // The operator's runs its plugin for nearly every read.
    let own = pods("own", 7).set("maxAge", "20ms");
    site.operator.write(site.config().team(limited).mapping(own)).await;
    let leadsman = std::sync::Arc::new(site.start().await);
    Workload::deployment(&site.plane.admin(), "slow-b", "web", 1).await;
    let own = paths::pods("slow-b", "own");
    site.serves(&leadsman, &own, "7").await;

    let a = site.team("slow-a").await.with_binary("mine.wasm", &hostile);
    let names: Vec<_> = (0..12).map(|number| format!("load-{number}")).collect();
    let slow = |name: &String| {
        let slow = pods(name, 1).plugin("mine", "do: loop");
        slow.set("limits", "{time: 1500ms, memoryBytes: 16777216}")
    };
    let config = Config::new().plugin("mine", "mine.wasm").mapping(pods("good", 3));
    a.write(names.iter().map(slow).fold(config, Config::mapping)).await;
    site.serves(&leadsman, &paths::pods("slow-a", "good"), "3").await;
    // Its plugin may be loaded later than what needs none.
    wait_accepted(&leadsman, &a.owner()).await;

    // All are admitted at once, or are to wait for those that were.
    let reads = names.iter().map(|name| {
        let (leadsman, caller) = (leadsman.clone(), root(site.plane));
        let path = paths::pods("slow-a", name);
        async move { leadsman.get_as(&caller, &path).await }
    });
    let mut all: tokio::task::JoinSet<_> = reads.collect();
    let mut others = Vec::new();
    let mut refused = false;
    while !refused {
        others.push(site.read(&leadsman, &own).await);
        while let Some(answer) = all.try_join_next() {
            let answer = answer.expect("a read");
            refused |= answer.status == 429;
            answer.failure();
        }
        if all.is_empty() && !refused {
            let again = site.read(&leadsman, &paths::pods("slow-a", &names[0])).await;
            refused = again.status == 429;
        }
    }
    others.iter().for_each(|answer| drop(answer.ok()));
    let mut waits: Vec<_> = others.iter().map(|answer| answer.took).collect();
    waits.sort_unstable();
    let p99 = waits[(waits.len() - 1) * 99 / 100];
    assert!(p99 < OTHERS_WAIT, "p99 of {} reads of others is {p99:?}", waits.len());
    // All of it, one run more, and what came back meanwhile. Runs that were stopped count, too.
    let page = leadsman.metrics().await;
    let spent = |labels: &[(&str, &str)]| {
        let of = |name: &String| {
            let title = format!("pods/{name}@slow-a");
            let labels = [&[("mapping", title.as_str())][..], labels].concat();
            page.sum("leadsman_plugin_duration_seconds_sum", &labels)
        };
        names.iter().filter_map(of).sum::<f64>()
    };
    let all = spent(&[]);
    assert!((2.0..5.0).contains(&all), "{all} s of 2 s a minute");
    let stopped = spent(&[("role", "serving"), ("outcome", "plugin_timeout")]);
    assert!((stopped - all).abs() < 0.001, "{stopped} s of {all} s");
}

#[tokio::test]
async fn a_used_up_plugin_time_budget_fails_only_its_own_reads() {
    let site = Site::new("timed").await;
    let limited = "namespaces: [timed-a], sources: [prometheus], \
                   limits: {pluginTimePerMinute: 100ms}";
    let opened = "namespaces: [timed-b], sources: [prometheus]";
    site.operator.write(site.config().team(limited).team(opened)).await;
    let leadsman = site.start().await;
    let hostile = std::fs::read(HOSTILE).expect("a component");
    let a = site.team("timed-a").await.with_binary("mine.wasm", &hostile);
    let b = site.team("timed-b").await;
    let loops = pods("load", 1).plugin("mine", "do: loop").set("limits", "{time: 300ms}");
    let config = Config::new().plugin("mine", "mine.wasm").mapping(pods("good", 3));
    a.write(&config).await;
    site.serves(&leadsman, &paths::pods("timed-a", "good"), "3").await;
    a.write(config.mapping(loops)).await;
    b.write(Config::new().mapping(external("depth", 2))).await;
    let load = paths::pods("timed-a", "load");
    eventually("a plugin that is stopped", TIMEOUT, async || {
        let answer = site.read(&leadsman, &load).await;
        if answer.status == 500 { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    // The budget is the namespace's, so its other mappings are affected, too.
    let selector = "metricLabelSelector=pod%21%3Dother";
    let path = format!("{}?{selector}", paths::pods("timed-a", "good"));
    let spent = site.read(&leadsman, &path).await.failure();
    assert_eq!(spent.code, 429, "{spent:?}");
    spent.assert_contains(&["100ms of plugin time", "budget"]);
    site.serves(&leadsman, &paths::external("timed-b", "depth"), "2").await;
}
