//! The attacks and the documented bounds that contain them.

use std::future::Future;
use std::pin::Pin;

use super::scene::{Scene, Setup};
use super::{clients, configs, edits, sources, teams};

/// An attack. Uses only the loopback, and ends by itself.
pub(super) struct Attack {
    /// The name in the report, which the command line can filter by.
    pub(super) name: &'static str,
    /// The documented bound, in short.
    pub(super) bound: &'static str,
    /// The maximum memory of the adapter, in bytes.
    pub(super) memory: u64,
    /// The setup of the adapter.
    pub(super) setup: Setup,
    /// The path that others read during the attack.
    pub(super) others: &'static str,
    /// Runs the attack.
    pub(super) run: for<'a> fn(&'a mut Scene) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
}

const MIB: u64 = 1 << 20;

const OTHERS: &str = "/apis/external.metrics.k8s.io/v1beta1/namespaces/quiet/depth";
const OTHER_PODS: &str = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/quiet/pods/%2A/load";

/// All attacks.
pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "200 long metric selectors",
        bound: "a selector is bounded in length, evaluations of a namespace in bytes",
        memory: 256 * MIB,
        setup: Setup::File(configs::many_pods),
        others: OTHER_PODS,
        run: |scene| Box::pin(clients::read_all(scene, 200, configs::long_selector)),
    },
    Attack {
        name: "1,024 query strings, long list",
        bound: "rendered answers are bounded in bytes",
        memory: 256 * MIB,
        setup: Setup::File(configs::many_pods),
        others: OTHER_PODS,
        run: |scene| Box::pin(clients::read_all(scene, 1024, configs::unknown_parameter)),
    },
    Attack {
        name: "5,000 selectors of one reader",
        bound: "1,000 evaluations of a namespace that readers chose; others' first reads are served",
        memory: 256 * MIB,
        setup: Setup::File(configs::external),
        others: OTHERS,
        run: |scene| Box::pin(clients::read_all(scene, 5000, configs::selector)),
    },
    Attack {
        name: "2,000 silent connections",
        bound: "connections of an address and the time to the first byte are bounded",
        memory: 256 * MIB,
        setup: Setup::Teams,
        others: teams::OTHERS,
        run: |scene| Box::pin(clients::silent_connections(scene.leadsman.api(), 2000)),
    },
    Attack {
        name: "plugins that loop, 40 namespaces",
        bound: "a mapping has a quarter of the slots, a namespace half of them",
        memory: 512 * MIB,
        setup: Setup::File(configs::loops),
        others: OTHERS,
        run: |scene| Box::pin(clients::read_all(scene, 160, configs::looping)),
    },
    Attack {
        name: "readers, all of it at once",
        bound: "no client gets the adapter above 512 MiB",
        memory: 512 * MIB,
        setup: Setup::File(configs::everything),
        others: OTHERS,
        run: |scene| Box::pin(clients::at_once(scene)),
    },
    Attack {
        name: "12 faulty documents",
        bound: "documents are parsed apart from reads",
        memory: 256 * MIB,
        setup: Setup::File(configs::external),
        others: OTHERS,
        run: |scene| Box::pin(edits::faulty_documents(scene)),
    },
    Attack {
        name: "2,000 objects, 60 keys each",
        bound: "256 keys, 2 Mi cells, 16 MiB of text of one table",
        memory: 256 * MIB,
        setup: Setup::File(configs::many_labels),
        others: OTHERS,
        run: |scene| Box::pin(clients::read_all(scene, 64, configs::labelled)),
    },
    Attack {
        name: "2,000 renamed mappings",
        bound: "/metrics has what is configured now",
        memory: 256 * MIB,
        setup: Setup::File(configs::external),
        others: OTHERS,
        run: |scene| Box::pin(edits::renamed(scene)),
    },
    Attack {
        name: "a team far over its plugin time",
        bound: "a team takes no more plugin time than it has, and a quarter of the slots",
        memory: 512 * MIB,
        setup: Setup::Teams,
        others: teams::OTHERS,
        run: |scene| Box::pin(teams::loops(scene)),
    },
    Attack {
        name: "8 compile bombs of a team",
        bound: "a queue for each namespace: another team's plugin is served meanwhile",
        memory: 512 * MIB,
        setup: Setup::Teams,
        others: teams::OTHERS,
        run: |scene| Box::pin(teams::compile_bombs(scene)),
    },
    Attack {
        name: "the admin port held, 300 silent",
        bound: "200 connections, 100 of an address; the first request within 10 s; scrapes get through",
        memory: 256 * MIB,
        setup: Setup::File(configs::external),
        others: OTHERS,
        run: |scene| Box::pin(clients::hold_the_admin_port(scene)),
    },
    Attack {
        name: "floods of HTTP/2 frames",
        bound: "frames without requests are answered, ignored or end their connection, and not kept",
        memory: 256 * MIB,
        setup: Setup::File(configs::external),
        others: OTHERS,
        run: |scene| Box::pin(clients::frames(scene)),
    },
    Attack {
        name: "answers that nobody takes",
        bound: "long answers in flight have 128 MiB, and each user a quarter of it",
        memory: 384 * MIB,
        setup: Setup::File(configs::many_pods),
        others: OTHER_PODS,
        run: |scene| Box::pin(clients::take_nothing(scene)),
    },
    Attack {
        name: "6,000 undecided tokens and users",
        bound: "20 reviews of tokens and 10 of anonymous requests in flight; 8 MiB of decisions",
        memory: 256 * MIB,
        setup: Setup::Teams,
        others: teams::OTHERS,
        run: |scene| Box::pin(clients::undecided(scene)),
    },
    Attack {
        name: "lists of namespaces/*, one NaN",
        bound: "namespaces are read at the same time, within one deadline",
        memory: 256 * MIB,
        setup: Setup::File(configs::namespaces),
        others: OTHERS,
        run: |scene| Box::pin(sources::namespaces(scene)),
    },
    Attack {
        name: "2,000 reads with injected text",
        bound: "nothing from a request becomes PromQL",
        memory: 256 * MIB,
        setup: Setup::File(configs::many_pods),
        others: OTHER_PODS,
        run: |scene| Box::pin(sources::injected(scene)),
    },
    Attack {
        name: "slow queries of a team",
        bound: "a team has a quarter of the places of a source, and takes turns for them",
        memory: 256 * MIB,
        setup: Setup::Teams,
        others: teams::OTHERS,
        run: |scene| Box::pin(teams::slow_queries(scene)),
    },
    Attack {
        name: "a team that asks for everything",
        bound: "answers for a team have 64 MiB, and those for all teams 128 MiB",
        memory: 512 * MIB,
        setup: Setup::Teams,
        others: teams::OTHERS,
        run: |scene| Box::pin(teams::asks_for_everything(scene)),
    },
    Attack {
        name: "a team that outgrows its quota",
        bound: "50 mappings of a namespace in order of age, and the 50 oldest of its documents",
        memory: 256 * MIB,
        setup: Setup::Teams,
        others: teams::OTHERS,
        run: |scene| Box::pin(teams::outgrows(scene)),
    },
    Attack {
        name: "sources that hang",
        bound: "5 s for a query and 3 s of it for the connection; a read waits until its deadline",
        memory: 256 * MIB,
        setup: Setup::File(configs::external),
        others: OTHERS,
        run: |scene| Box::pin(sources::hang(scene)),
    },
    Attack {
        name: "answers that are none, 23 kinds",
        bound: "an answer is read within its time and its size, and refused with what it is",
        memory: 256 * MIB,
        setup: Setup::File(configs::external),
        others: OTHERS,
        run: |scene| Box::pin(sources::bad_answers(scene)),
    },
    Attack {
        name: "1,000 explanations of a long list",
        bound: "an explanation has some MiB, and counts as a long answer",
        memory: 384 * MIB,
        setup: Setup::File(configs::many_pods),
        others: OTHER_PODS,
        run: |scene| Box::pin(clients::read_all(scene, 1000, configs::explained)),
    },
    Attack {
        name: "pages without end",
        bound: "16 MiB of a page, 64 MiB of all on their way, which are read as they arrive",
        memory: 256 * MIB,
        setup: Setup::File(configs::pages),
        others: OTHERS,
        run: |scene| Box::pin(sources::pages(scene)),
    },
    Attack {
        name: "named pipes for plugins and code",
        bound: "what is no regular file is refused unread",
        memory: 512 * MIB,
        setup: Setup::PipesForCode(edits::with_plugin),
        others: OTHERS,
        run: |scene| Box::pin(edits::named_pipes(scene)),
    },
    Attack {
        name: "2,000 edits",
        bound: "edits are taken together, and what has not changed is kept",
        memory: 256 * MIB,
        setup: Setup::File(configs::external),
        others: OTHERS,
        run: |scene| Box::pin(edits::edited(scene)),
    },
    Attack {
        name: "1,200,000 reads",
        bound: "a read leaves nothing behind",
        memory: 96 * MIB,
        setup: Setup::File(configs::external),
        others: OTHERS,
        run: |scene| Box::pin(clients::a_great_many(scene)),
    },
];
